import ArgumentParser

/// Options that every command takes, in two groups: what is read, and where the answer goes.
@dynamicMemberLookup
struct SharedOptions: ParsableArguments {
  @OptionGroup(title: "Input") var sources: SourceOptions
  @OptionGroup(title: "Answer") var result: ResultOptions

  subscript<Value>(dynamicMember member: KeyPath<SourceOptions, Value>) -> Value {
    sources[keyPath: member]
  }

  subscript<Value>(dynamicMember member: KeyPath<ResultOptions, Value>) -> Value {
    result[keyPath: member]
  }
}

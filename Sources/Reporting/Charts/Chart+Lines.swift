import MailModel

extension Chart {
  /// Lines over time, with marks at the moments that explain a bend.
  func linesSVG() -> String {
    var frame = ChartFrame()
    frame.makeRoom(for: series)
    let room = frame
    let steps = 4
    let ceiling = roundCeiling(series.flatMap(\.values).max() ?? 0, steps: steps)
    let gaps = Double(max(labels.count - 1, 1))
    let x = { (index: Int) in room.left + room.plotWidth * Double(index) / gaps }
    let lines = series.enumerated().map { order, one in
      let points = one.values.indices.map {
        "\(number(x($0))),\(number(frame.y(one.values[$0], ceiling: ceiling)))"
      }
      return """
        <polyline class="l\(order % 8 + 1)" points="\(points.joined(separator: " "))">\
        <title>\(OutsideText(one.name).html())</title></polyline>
        """
    }.joined()
    return frame.open(self) + frame.scale(ceiling: ceiling, steps: steps) + lines
      + markLines(frame) + frame.horizontalLabels(labels, at: x) + frame.legend(series) + "</svg>"
  }

  private func markLines(_ frame: ChartFrame) -> String {
    guard let first = moments.first, let last = moments.last, last > first else { return "" }
    let span = last.seconds(since: first)
    return marks.filter { $0.at >= first && $0.at <= last }.map { mark in
      let x = frame.left + frame.plotWidth * mark.at.seconds(since: first) / span
      return """
        <line class="mark" x1="\(number(x))" x2="\(number(x))" y1="\(number(frame.top))" \
        y2="\(number(frame.floor))"><title>\(OutsideText(mark.label).html())</title></line>
        """
    }.joined()
  }
}

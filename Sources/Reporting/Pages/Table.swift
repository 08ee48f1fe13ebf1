import MailModel

/// A table of a ``Page``. Texts in it are raw: each writer makes them harmless.
package struct Table: Hashable, Sendable {
  package enum Side: Hashable, Sendable {
    case left
    case right
  }

  package struct Column: Hashable, Sendable {
    package var title: String
    package var side: Side
    /// Gives way where the table is wider than the terminal.
    package var isFlexible: Bool

    package init(_ title: String, _ side: Side = .left, isFlexible: Bool = false) {
      self.title = title
      self.side = side
      self.isFlexible = isFlexible
    }
  }

  package struct Cell: Hashable, Sendable, ExpressibleByStringInterpolation {
    package var text: String
    /// What stays where the text has to be cut, such as ` ×12`.
    package var suffix: String

    package init(_ text: String, suffix: String = "") {
      self.text = text
      self.suffix = suffix
    }

    package init(stringLiteral value: String) { self.init(value) }
  }

  /// How pressing a row is.
  package enum Tone: String, Hashable, Sendable {
    case plain
    case soon
    case urgent
  }

  package struct Row: Hashable, Sendable {
    package var cells: [Cell]
    package var tone: Tone

    package init(_ cells: [Cell], tone: Tone = .plain) {
      self.cells = cells
      self.tone = tone
    }
  }

  /// What the table shows, for those who do not see it.
  package var caption: String
  package var columns: [Column]
  package var rows: [Row]
  /// What is said of rows that are left out; empty where none are.
  package var rest: String

  package init(caption: String, columns: [Column], rows: [Row], rest: String = "") {
    self.caption = caption
    self.columns = columns
    self.rows = rows
    self.rest = rest
  }

  /// The heading and the rows for a terminal, at most `width` columns wide unless the columns that
  /// do not give way need more.
  func lines(width: Int) -> (heading: String, rows: [(text: String, tone: Tone)]) {
    let shown = rows.map { row in
      row.cells.map { (OutsideText($0.text).terminal(limit: 200), $0.suffix) }
    }
    var widths = columns.indices.map { index in
      shown.reduce(columns[index].title.terminalColumns) {
        max($0, index < $1.count ? ($1[index].0 + $1[index].1).terminalColumns : 0)
      }
    }
    func total(_ gap: Int) -> Int { widths.reduce(0, +) + gap * (widths.count - 1) }
    let gap = total(2) <= width ? 2 : 1
    for index in columns.indices where columns[index].isFlexible && total(gap) > width {
      widths[index] = max(
        columns[index].title.terminalColumns,
        widths[index] - (total(gap) - width),
        12
      )
    }
    func line(_ cells: [(String, String)]) -> String {
      var out = ""
      for (index, cell) in cells.enumerated() where index < widths.count {
        let text = cell.0.fitted(to: widths[index] - cell.1.terminalColumns) + cell.1
        let blank = String(repeating: " ", count: max(0, widths[index] - text.terminalColumns))
        out += columns[index].side == .right ? blank + text : text + blank
        if index + 1 < widths.count { out += String(repeating: " ", count: gap) }
      }
      while out.last == " " { out.removeLast() }
      return out
    }
    return (
      line(columns.map { ($0.title, "") }), zip(shown, rows).map { (line($0), $1.tone) }
    )
  }
}

extension String {
  /// How many columns of a terminal it takes: East Asian wide characters two, marks that combine
  /// none (Unicode TR 11, the blocks that names are written in).
  package var terminalColumns: Int {
    if utf8.allSatisfy({ $0 < 0x80 }) { return utf8.count }
    return reduce(0) { $0 + $1.terminalColumns }
  }

  /// Cut to `columns` of a terminal, the last an ellipsis then.
  package func fitted(to columns: Int) -> String {
    guard terminalColumns > columns else { return self }
    var out = ""
    var used = 0
    for character in self {
      let width = character.terminalColumns
      guard used + width <= max(columns - 1, 0) else { break }
      used += width
      out.append(character)
    }
    return out + "…"
  }
}

extension Character {
  fileprivate var terminalColumns: Int {
    guard let first = unicodeScalars.first else { return 0 }
    return switch first.value {
    case 0x300...0x36f: 0
    case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
      0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd:
      2
    default: 1
    }
  }
}

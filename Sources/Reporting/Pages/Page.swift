import MailModel
import Mustache

/// An answer on one page, apart from how it is written: for a terminal, as Markdown or as HTML.
/// Texts in it are raw: each writer makes them harmless.
package struct Page: Hashable, Sendable {
  package enum Block: Hashable, Sendable {
    /// The sentence that matters most.
    case lead(String)
    case paragraph(String)
    case heading(String)
    case item(String)
    /// Lines that are to be copied as they are.
    case code(String)
    case table(Table)
  }

  package var title: String
  package var blocks: [Block]

  package init(title: String, _ blocks: [Block]) {
    self.title = title
    self.blocks = blocks
  }

  /// The page with `token` run over each text, before any writer escapes or cuts it.
  package func redacted(_ token: (String) -> String) -> Page {
    var page = self
    page.blocks = blocks.map { block in
      switch block {
      case .lead(let text): return .lead(token(text))
      case .paragraph(let text): return .paragraph(token(text))
      case .heading(let text): return .heading(token(text))
      case .item(let text): return .item(token(text))
      case .code(let text): return .code(token(text))
      case .table(var table):
        for row in table.rows.indices {
          for cell in table.rows[row].cells.indices {
            table.rows[row].cells[cell].text = token(table.rows[row].cells[cell].text)
          }
        }
        return .table(table)
      }
    }
    return page
  }
}

/// Marks of a terminal (ECMA-48 8.3.117), or none.
package struct TerminalInk: Hashable, Sendable {
  package var isOn: Bool

  package init(isOn: Bool) { self.isOn = isOn }

  func bold(_ text: String) -> String { isOn ? "\u{1b}[1m\(text)\u{1b}[0m" : text }

  func toned(_ text: String, _ tone: Table.Tone) -> String {
    guard isOn else { return text }
    return switch tone {
    case .plain: text
    case .soon: "\u{1b}[33m\(text)\u{1b}[0m"
    case .urgent: "\u{1b}[31m\(text)\u{1b}[0m"
    }
  }
}

extension Page {
  /// The page for a terminal of `width` columns. A blank line stands around each table.
  package func text(width: Int, ink: TerminalInk) -> String {
    var out = ""
    for block in blocks {
      switch block {
      case .lead(let text): out += ink.bold(Page.folded(text, width: width)) + "\n"
      case .paragraph(let text): out += Page.folded(text, width: width) + "\n"
      case .heading(let text): out += "\n" + ink.bold(Page.folded(text, width: width)) + "\n"
      case .item(let text): out += Page.folded("- " + text, width: width) + "\n"
      case .code(let text): out += Page.indented(text)
      case .table(let table):
        let (heading, rows) = table.lines(width: width)
        if !out.isEmpty { out += "\n" }
        out += ink.bold(heading) + "\n"
        for row in rows { out += ink.toned(row.text, row.tone) + "\n" }
        if !table.rest.isEmpty { out += Page.folded(table.rest, width: width) + "\n" }
        out += "\n"
      }
    }
    while out.hasSuffix("\n\n") { out.removeLast() }
    return out
  }

  /// Four blanks before each line that says something.
  private static func indented(_ text: String) -> String {
    lines(text).map { $0.isEmpty ? "\n" : "    \($0)\n" }.joined()
  }

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).prefix(400)
      .map { OutsideText(String($0)).terminal(limit: 4000) }
  }

  /// How many lines a sentence takes on a terminal.
  package static func height(_ text: String, width: Int) -> Int {
    folded(text, width: width).split(separator: "\n").count
  }

  /// A sentence broken at blanks into lines of `width`; a longer word where the line ends.
  static func folded(_ text: String, width: Int) -> String {
    var lines: [String] = []
    var line = ""
    for word in OutsideText(text).terminal(limit: 2000).split(separator: " ") {
      if !line.isEmpty, line.terminalColumns + 1 + word.count > width {
        lines.append(line)
        line = "  "
      } else if !line.isEmpty {
        line += " "
      }
      line += word
      while line.terminalColumns > width {
        let head = line.prefix(max(width / 2, 3)).count
        var cut = head
        while String(line.prefix(cut + 1)).terminalColumns <= width { cut += 1 }
        lines.append(String(line.prefix(cut)))
        line = "  " + line.dropFirst(cut)
      }
    }
    return (lines + [line]).joined(separator: "\n")
  }

  /// The page as CommonMark with GitHub's tables.
  package var markdown: String {
    func safe(_ text: String, _ limit: Int = 2000) -> String {
      OutsideText(text).markdown(limit: limit)
    }
    var out = "# \(safe(title))\n\n"
    for block in blocks {
      switch block {
      case .lead(let text): out += "**\(safe(text))**\n\n"
      case .paragraph(let text): out += safe(text) + "\n\n"
      case .heading(let text): out += "## \(safe(text))\n\n"
      case .item(let text): out += "- \(safe(text))\n\n"
      case .code(let text): out += Page.indented(text) + "\n"
      case .table(let table):
        out += "| " + table.columns.map { safe($0.title) }.joined(separator: " | ") + " |\n|"
        out += table.columns.map { $0.side == .right ? "---:|" : "---|" }.joined() + "\n"
        for row in table.rows {
          let cells = row.cells.map { safe($0.text, 300) + safe($0.suffix) }
          out += "| " + cells.joined(separator: " | ") + " |\n"
        }
        out += table.rest.isEmpty ? "\n" : "\n\(safe(table.rest))\n\n"
      }
    }
    return out
  }

  /// The page as one HTML file that fetches nothing. Throws where the template does not parse, which
  /// the tests rule out.
  package func html() throws -> String {
    func safe(_ text: String, _ limit: Int = 2000) -> String {
      OutsideText(text).terminal(limit: limit)
    }
    let blocks = blocks.enumerated().map { number, block -> [String: Any] in
      switch block {
      case .lead(let text): return ["lead": safe(text)]
      case .paragraph(let text): return ["paragraph": safe(text)]
      case .heading(let text): return ["heading": safe(text)]
      case .item(let text): return ["item": safe(text)]
      case .code(let text): return ["code": Page.lines(text).joined(separator: "\n")]
      case .table(let table):
        let columns = table.columns.map {
          ["title": safe($0.title), "side": $0.side == .right ? "n" : "t"]
        }
        let rows = table.rows.map { row -> [String: Any] in
          let cells = zip(row.cells, table.columns).map {
            [
              "text": safe($0.text, 300) + safe($0.suffix), "side": $1.side == .right ? "n" : "t",
              "label": safe($1.title),
            ]
          }
          return [
            "tone": row.tone.rawValue, "name": cells.first ?? [:],
            "cells": Array(cells.dropFirst()),
          ]
        }
        return [
          "table": [
            "caption": safe(table.caption), "rest": safe(table.rest), "columns": columns,
            "rows": rows,
          ]
            as [String: Any]
        ]
      }
    }
    let template = String(decoding: PackageResources.page_html_mustache, as: UTF8.self)
    return try MustacheTemplate(string: template).render(
      ["title": safe(title), "blocks": blocks] as [String: Any]
    )
  }
}

import MailModel

extension Chart {
  /// Lines over time, with marks at the moments that explain a bend.
  func linesSVG(_ frame: ChartFrame) -> String {
    let steps = 4
    let ceiling = roundCeiling(series.flatMap(\.values).max() ?? 0, steps: steps)
    let x = { (index: Int) in place(index, in: frame) }
    let lines = series.enumerated().map { order, one in
      let points = one.values.indices.map {
        "\(number(x($0))),\(number(frame.y(one.values[$0], ceiling: ceiling)))"
      }
      return """
        <polyline class="l\(order % 8 + 1)" points="\(points.joined(separator: " "))">\
        <title>\(OutsideText(one.name).html())</title></polyline>
        """
    }.joined()
    return frame.open(self) + frame.scale(ceiling: ceiling, steps: steps) + markLines(frame) + lines
      + frame.horizontalLabels(labels, at: x) + "</svg>"
  }

  /// Where a value stands: by its moment, where there are moments, as the last step may be shorter.
  private func place(_ index: Int, in frame: ChartFrame) -> Double {
    if moments.count == labels.count, moments.indices.contains(index),
      let first = moments.first, let last = moments.last, last > first
    {
      return frame.left + frame.plotWidth * moments[index].seconds(since: first)
        / last.seconds(since: first)
    }
    return frame.left + frame.plotWidth * Double(index) / Double(max(labels.count - 1, 1))
  }

  /// Upright lines with a head, in the colour of the series that each mark belongs to.
  private func markLines(_ frame: ChartFrame) -> String {
    guard let first = moments.first, let last = moments.last, last > first else { return "" }
    let span = last.seconds(since: first)
    return marks.enumerated().filter { $0.element.at >= first && $0.element.at <= last }.map {
      order,
      mark in
      let x = frame.left + frame.plotWidth * mark.at.seconds(since: first) / span
      return """
        <g class="mark m\(order % 8 + 1)"><title>\(OutsideText(mark.label).html())</title>\
        <line x1="\(number(x))" x2="\(number(x))" y1="\(number(frame.top))" \
        y2="\(number(frame.floor))"/><path d="M\(number(x - 5)) \(number(frame.top - 8))h10l-5 8z"/>\
        </g>
        """
    }.joined()
  }
}

import MailModel

extension Chart {
  /// Bars side by side on a common floor; several series are stacked.
  func barsSVG(_ frame: ChartFrame) -> String {
    let totals = labels.indices.map { index in
      series.reduce(0) { $0 + (index < $1.values.count ? $1.values[index] : 0) }
    }
    let steps = 4
    let ceiling = roundCeiling(totals.max() ?? 0, steps: steps)
    let slot = frame.plotWidth / Double(max(labels.count, 1))
    let width = min(max(1, slot * 0.8), 96)
    let centre = { (index: Int) in frame.left + slot * (Double(index) + 0.5) }
    var bars = ""
    for index in labels.indices {
      var below = 0.0
      for (order, one) in series.enumerated() where index < one.values.count {
        let value = one.values[index]
        guard value > 0 else { continue }
        let top = frame.y(below + value, ceiling: ceiling)
        let bottom = frame.y(below, ceiling: ceiling)
        let tip = "\(labels[index]): \(number(value)) \(series.count > 1 ? one.name : unit)"
        bars += """
          <rect class="s\(order % 8 + 1)" x="\(number(centre(index) - width / 2))" \
          y="\(number(top))" width="\(number(width))" height="\(number(max(bottom - top, 0.5)))">\
          <title>\(OutsideText(tip).html())</title></rect>
          """
        below += value
      }
    }
    return frame.open(self) + frame.scale(ceiling: ceiling, steps: steps) + bars
      + frame.horizontalLabels(labels, at: centre) + "</svg>"
  }
}

import MailModel

extension Chart {
  /// A row per series, a cell per label; the fuller the cell, the deeper its colour. Each cell also
  /// carries its number, so that colour is never the only sign. Where it is narrow, the name stands
  /// above its row.
  func heatMapSVG(_ wanted: ChartFrame) -> String {
    var frame = wanted
    let isNarrow = frame.size == .narrow
    let name = isNarrow ? 18.0 : 0
    let row = 28.0 + name
    frame.left = isNarrow ? 4 : 230
    frame.right = isNarrow ? 4 : 12
    frame.top = 4
    frame.height = frame.top + row * Double(series.count) + frame.bottom
    let slot = frame.plotWidth / Double(max(labels.count, 1))
    let centre = { [frame] (index: Int) in frame.left + slot * (Double(index) + 0.5) }
    let most = series.flatMap(\.values).max() ?? 0
    var cells = ""
    for (order, one) in series.enumerated() {
      let top = frame.top + row * Double(order)
      let place =
        isNarrow
        ? "x=\"\(number(frame.left + 2))\" y=\"\(number(top + 14))\""
        : "x=\"\(number(frame.left - 10))\" y=\"\(number(top + row / 2 + 4))\" text-anchor=\"end\""
      cells += """
        <text class="tick" \(place)>\(frame.fitting(one.name, room: isNarrow ? frame.plotWidth : frame.left - 10))</text>
        """
      for index in labels.indices where index < one.values.count {
        let value = one.values[index]
        let tip = "\(one.name), \(labels[index]): \(number(value)) \(unit)"
        cells += cell(
          value,
          share: most > 0 ? value / most : 0,
          tip: tip,
          x: centre(index),
          top: top + name,
          width: slot,
          height: row - name
        )
      }
    }
    return frame.open(self) + cells + frame.horizontalLabels(labels, at: centre) + "</svg>"
  }

  private func cell(
    _ value: Double,
    share: Double,
    tip: String,
    x: Double,
    top: Double,
    width: Double,
    height: Double
  ) -> String {
    let place = """
      x="\(number(x - width / 2 + 1))" y="\(number(top + 1))" width="\(number(width - 2))" \
      height="\(number(height - 2))" rx="3"
      """
    guard value > 0 else { return "<rect class=\"empty\" \(place)/>" }
    // Square root: a few large cells do not hide the small ones. Below 0.6 the page's own ink stays
    // readable on the cell.
    let depth = 0.1 + 0.45 * share.squareRoot()
    return """
      <rect class="heat" fill-opacity="\(number(depth))" \(place)>\
      <title>\(OutsideText(tip).html())</title></rect>\
      <text class="tick" x="\(number(x))" y="\(number(top + height / 2 + 4))" \
      text-anchor="middle">\(number(value))</text>
      """
  }
}

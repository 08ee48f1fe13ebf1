import MailModel

extension Chart {
  /// A row per series, a cell per label; the fuller the cell, the deeper its colour. Each cell also
  /// carries its number, so that colour is never the only sign.
  func heatMapSVG() -> String {
    var frame = ChartFrame()
    let row = 26.0
    frame.left = 190
    frame.top = 8
    frame.height = frame.top + row * Double(series.count) + frame.bottom
    let room = frame
    let most = series.flatMap(\.values).max() ?? 0
    let slot = frame.plotWidth / Double(max(labels.count, 1))
    let centre = { (index: Int) in room.left + slot * (Double(index) + 0.5) }
    var cells = ""
    for (order, one) in series.enumerated() {
      let top = frame.top + row * Double(order)
      cells += """
        <text class="tick" x="\(number(frame.left - 8))" y="\(number(top + row / 2 + 4))" \
        text-anchor="end">\(OutsideText(one.name).html(limit: 26))</text>
        """
      for index in labels.indices where index < one.values.count {
        cells += cell(
          one.values[index],
          most: most,
          x: centre(index),
          top: top,
          slot: slot,
          row: row
        )
      }
    }
    return frame.open(self) + cells + frame.horizontalLabels(labels, at: centre) + "</svg>"
  }

  private func cell(
    _ value: Double,
    most: Double,
    x: Double,
    top: Double,
    slot: Double,
    row: Double
  ) -> String {
    let share = most > 0 ? value / most : 0
    // Square root: a few large cells do not hide the small ones. Below 0.45 the page's own ink
    // stays readable on the cell.
    let depth = value > 0 ? 0.08 + 0.37 * share.squareRoot() : 0
    let box = """
      <rect class="heat" fill-opacity="\(number(depth))" x="\(number(x - slot / 2 + 1))" \
      y="\(number(top + 1))" width="\(number(slot - 2))" height="\(number(row - 2))"/>
      """
    guard value > 0 else { return box }
    return box + """
      <text class="tick" x="\(number(x))" y="\(number(top + row / 2 + 4))" \
      text-anchor="middle">\(number(value))</text>
      """
  }
}

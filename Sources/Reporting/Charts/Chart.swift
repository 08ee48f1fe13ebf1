package import MailModel

/// One named series of a chart.
package struct ChartSeries: Hashable, Sendable {
  package var name: String
  package var values: [Double]

  package init(name: String, values: [Double]) {
    self.name = name
    self.values = values
  }
}

/// A moment worth a mark on a time axis.
package struct ChartMark: Hashable, Sendable {
  package var at: Timestamp
  package var label: String

  package init(at: Timestamp, label: String) {
    self.at = at
    self.label = label
  }
}

/// What a chart shows, apart from how it is drawn: the same value gives the picture and the table
/// that stands beside it for those who cannot see the picture.
package struct Chart: Hashable, Sendable {
  package enum Form: String, Hashable, Sendable {
    case lines
    case bars
    case stackedBars
    case heatMap
  }

  package var id: String
  package var title: String
  /// What the picture says, in a sentence.
  package var summary: String
  package var form: Form
  /// Labels along the horizontal axis, one per value.
  package var labels: [String]
  /// The moments behind ``labels`` where the axis is time, so that marks find their place.
  package var moments: [Timestamp]
  package var series: [ChartSeries]
  package var marks: [ChartMark]
  package var unit: String

  package init(
    id: String,
    title: String,
    summary: String,
    form: Form,
    labels: [String],
    moments: [Timestamp] = [],
    series: [ChartSeries],
    marks: [ChartMark] = [],
    unit: String
  ) {
    self.id = id
    self.title = title
    self.summary = summary
    self.form = form
    self.labels = labels
    self.moments = moments
    self.series = series
    self.marks = marks
    self.unit = unit
  }

  /// Nothing to draw.
  package var isEmpty: Bool {
    labels.isEmpty || series.allSatisfy { $0.values.allSatisfy { $0 == 0 } }
  }

  /// The picture as inline SVG. Colours come from the page's style sheet (`--c1` to `--c8`,
  /// `--ink`, `--rule`, `--heat`), so that it follows light, dark and print.
  package func svg() -> String {
    switch form {
    case .lines: linesSVG()
    case .bars, .stackedBars: barsSVG()
    case .heatMap: heatMapSVG()
    }
  }
}

/// The drawing area: SVG user units, scaled by the page to its width.
struct ChartFrame {
  var width = 720.0
  var height = 260.0
  var left = 48.0
  var right = 40.0
  var top = 28.0
  var bottom = 34.0

  var plotWidth: Double { width - left - right }
  var plotHeight: Double { height - top - bottom }
  var floor: Double { height - bottom }

  /// The height of `value` on a scale that ends at `ceiling`.
  func y(_ value: Double, ceiling: Double) -> Double {
    floor - (ceiling > 0 ? min(value / ceiling, 1) : 0) * plotHeight
  }

  /// Opens an SVG element named by its title and summary.
  func open(_ chart: Chart) -> String {
    """
    <svg class="chart" viewBox="0 0 \(number(width)) \(number(height))" role="img" \
    aria-labelledby="\(chart.id)-t \(chart.id)-d">\
    <title id="\(chart.id)-t">\(OutsideText(chart.title).html())</title>\
    <desc id="\(chart.id)-d">\(OutsideText(chart.summary).html())</desc>
    """
  }

  /// Horizontal rules with their values.
  func scale(ceiling: Double, steps: Int) -> String {
    (0...steps).map { step in
      let value = ceiling * Double(step) / Double(steps)
      let height = y(value, ceiling: ceiling)
      return """
        <line class="rule" x1="\(number(left))" x2="\(number(width - right))" \
        y1="\(number(height))" y2="\(number(height))"/>\
        <text class="tick" x="\(number(left - 6))" y="\(number(height + 4))" \
        text-anchor="end">\(number(value))</text>
        """
    }.joined()
  }

  /// As many of `labels` below the axis as have room.
  func horizontalLabels(_ labels: [String], at x: (Int) -> Double) -> String {
    let widest = Double(labels.map(\.count).max() ?? 1) * 6.6 + 10
    let room = max(1, Int(plotWidth / widest))
    let every = max(1, (labels.count + room - 1) / room)
    return labels.indices.filter { $0 % every == 0 }.map { index in
      """
      <text class="tick" x="\(number(x(index)))" y="\(number(floor + 18))" \
      text-anchor="middle">\(OutsideText(labels[index]).html(limit: 24))</text>
      """
    }.joined()
  }

  /// Where the names of the series stand: as many rows as they need.
  private func legendPlaces(_ series: [ChartSeries]) -> [(name: String, x: Double, row: Int)] {
    guard series.count > 1 else { return [] }
    var x = left
    var row = 0
    return series.map { one in
      let name = OutsideText(one.name).terminal(limit: 28)
      let needed = Double(name.count) * 6.6 + 28
      if x + needed > width - right, x > left {
        x = left
        row += 1
      }
      defer { x += needed }
      return (name, x, row)
    }
  }

  /// Makes room above the plot for the names of the series.
  mutating func makeRoom(for series: [ChartSeries]) {
    let extra = Double(legendPlaces(series).last?.row ?? 0) * 16
    top += extra
    height += extra
  }

  /// Names of the series, in their colours.
  func legend(_ series: [ChartSeries]) -> String {
    legendPlaces(series).enumerated().map { index, place in
      let y = 8 + Double(place.row) * 16
      return """
        <rect class="s\(index % 8 + 1)" x="\(number(place.x))" y="\(number(y))" width="10" \
        height="10"/><text class="tick" x="\(number(place.x + 14))" y="\(number(y + 9))">\
        \(OutsideText(place.name).html())</text>
        """
    }.joined()
  }
}

/// `value` for an SVG attribute or a label: at most two decimals, none where it is whole.
func number(_ value: Double) -> String {
  guard value.isFinite else { return "0" }
  let hundredths = (value * 100).rounded()
  guard hundredths.magnitude < 1e15 else { return "0" }
  let whole = Int(hundredths)
  if whole % 100 == 0 { return String(whole / 100) }
  let sign = whole < 0 ? "-" : ""
  let fraction = whole.magnitude % 100
  let text = fraction % 10 == 0 ? String(fraction / 10) : (fraction < 10 ? "0" : "") + "\(fraction)"
  return "\(sign)\(whole.magnitude / 100).\(text)"
}

/// A round value at or above `value` that divides into `steps` round steps.
func roundCeiling(_ value: Double, steps: Int) -> Double {
  guard value > 0, value.isFinite else { return Double(steps) }
  let rough = value / Double(steps)
  var magnitude = 1.0
  while magnitude * 10 <= rough { magnitude *= 10 }
  let step = [1, 2, 2.5, 5, 10].map { $0 * magnitude }.first { $0 >= rough } ?? rough
  return max(1, step.rounded(.up)) * Double(steps)
}

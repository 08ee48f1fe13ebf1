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

  /// How wide the picture is drawn: the page shows the one that fits.
  package enum Size: String, CaseIterable, Hashable, Sendable {
    case wide
    case narrow
  }

  /// The picture as inline SVG. Colours come from the page's style sheet (`--c1` to `--c8`,
  /// `--ink`, `--rule`, `--heat`), so that it follows light, dark and print.
  package func svg(_ size: Size = .wide) -> String {
    let frame = ChartFrame(size)
    return switch form {
    case .lines: linesSVG(frame)
    case .bars, .stackedBars: barsSVG(frame)
    case .heatMap: heatMapSVG(frame)
    }
  }
}

/// The drawing area: SVG user units, scaled by the page to its width.
struct ChartFrame {
  var size: Chart.Size
  var width: Double
  var height: Double
  var left: Double
  var right: Double
  var top = 14.0
  var bottom = 30.0

  init(_ size: Chart.Size) {
    self.size = size
    width = size == .wide ? 960 : 340
    height = size == .wide ? 280 : 220
    left = size == .wide ? 48 : 38
    right = size == .wide ? 24 : 12
  }

  var plotWidth: Double { width - left - right }
  var plotHeight: Double { height - top - bottom }
  var floor: Double { height - bottom }

  /// The height of `value` on a scale that ends at `ceiling`.
  func y(_ value: Double, ceiling: Double) -> Double {
    floor - (ceiling > 0 ? min(value / ceiling, 1) : 0) * plotHeight
  }

  /// Opens an SVG element named by its title and summary.
  func open(_ chart: Chart) -> String {
    let id = "\(chart.id)-\(size.rawValue)"
    return """
      <svg class="chart \(size.rawValue)" viewBox="0 0 \(number(width)) \(number(height))" \
      role="img" aria-labelledby="\(id)-t \(id)-d">\
      <title id="\(id)-t">\(OutsideText(chart.title).html())</title>\
      <desc id="\(id)-d">\(OutsideText(chart.summary).html())</desc>
      """
  }

  /// Horizontal rules with their values.
  func scale(ceiling: Double, steps: Int) -> String {
    (0...steps).map { step in
      let value = ceiling * Double(step) / Double(steps)
      let height = y(value, ceiling: ceiling)
      return """
        <line class="\(step == 0 ? "axis" : "rule")" x1="\(number(left))" \
        x2="\(number(width - right))" y1="\(number(height))" y2="\(number(height))"/>\
        <text class="tick" x="\(number(left - 6))" y="\(number(height + 4))" \
        text-anchor="end">\(number(value))</text>
        """
    }.joined()
  }

  /// `name`, made harmless, cut to what fits into `room` units at 12 units' size.
  func fitting(_ name: String, room: Double) -> String {
    var shown = ""
    var used = 0.0
    for character in OutsideText(name).terminal(limit: 100).unicodeScalars {
      let width =
        switch character.value {
        case 0x61...0x7a where character != "m" && character != "w": 7.3
        case 0x20...0x40, 0x5b...0x60, 0x7b...0x7e: 8.0
        case 0x41...0x5a, 0x6d, 0x77: 12.0
        default: 13.5
        }
      guard used + width <= room - 12 else { return OutsideText(shown + "…").html() }
      used += width
      shown.unicodeScalars.append(character)
    }
    return OutsideText(shown).html()
  }

  /// As many of `labels` below the axis as have room, none beyond the picture's edges.
  func horizontalLabels(_ labels: [String], at x: (Int) -> Double) -> String {
    let widest = Double(labels.map(\.count).max() ?? 1) * 6.8 + 12
    let room = max(1, Int(plotWidth / widest))
    let every = max(1, (labels.count + room - 1) / room)
    return labels.indices.filter { $0 % every == 0 }.compactMap { index in
      let half = Double(labels[index].count) * 3.4
      let middle = x(index)
      guard middle + half <= width else { return nil }
      return """
        <text class="tick" x="\(number(max(middle, half)))" y="\(number(floor + 18))" \
        text-anchor="middle">\(OutsideText(labels[index]).html(limit: 24))</text>
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

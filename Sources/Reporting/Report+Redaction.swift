import MailModel

extension Report {
  /// The report with `token` run over each text that came from outside, before any format escapes it:
  /// the same address gives the same token in HTML, Markdown and JSON.
  package func redacted(_ token: (String) -> String) -> Report {
    var report = self
    report.headline = token(headline)
    report.tasks = tasks.map { task in
      var task = task
      task.title = token(task.title)
      task.detail = token(task.detail)
      return task
    }
    report.changes = changes.map { change in
      var change = change
      change.text = token(change.text)
      return change
    }
    report.incidents = incidents.map { $0.redacted(token) }
    report.charts = charts.map { chart in
      var chart = chart
      chart.summary = token(chart.summary)
      for index in chart.series.indices {
        chart.series[index].name = token(chart.series[index].name)
      }
      for index in chart.marks.indices {
        chart.marks[index].label = token(chart.marks[index].label)
      }
      return chart
    }
    report.coverage = coverage.map { coverage in
      var coverage = coverage
      coverage.troubles = coverage.troubles.map(token)
      return coverage
    }
    report.tlsCoverage = tlsCoverage.map(token)
    report.isRedacted = true
    return report
  }
}

extension Report.Incident {
  func redacted(_ token: (String) -> String) -> Report.Incident {
    var incident = self
    incident.meaning = token(meaning)
    incident.trigger = trigger.map(token)
    incident.evidence = evidence.map {
      Report.Evidence(path: $0.path, offset: $0.offset, text: token($0.text))
    }
    incident.remedies = remedies.map { remedy in
      var remedy = remedy
      remedy.title = token(remedy.title)
      remedy.configuration = token(remedy.configuration)
      remedy.apply = remedy.apply.map(token)
      remedy.verify = remedy.verify.map(token)
      remedy.flush = remedy.flush.map(token)
      remedy.undo = remedy.undo.map(token)
      remedy.risk = token(remedy.risk)
      remedy.refused = remedy.refused.map(token)
      return remedy
    }
    // `To: postmaster@…` is a role, not a person: without it the notice could not be sent.
    return incident
  }
}

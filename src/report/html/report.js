// Draws the pictures of a report from the data that it carries.
(() => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const data = read("data");
  const sizes = read("sizes");
  const whole = (value) => Math.round(value).toLocaleString("en-US");
  const percent = (share) => `${+(share * 100).toFixed(1)}%`;
  const accent = "#1f6feb";
  const charts = [];

  const draw = (id, title, option) => {
    const place = document.getElementById(id);
    if (!place) return;
    place.setAttribute("aria-label", title);
    const chart = echarts.init(place, null, { renderer: "svg" });
    chart.setOption({
      animation: false,
      title: { text: title, left: 0, textStyle: { fontSize: 15, fontWeight: 600 } },
      grid: { left: 16, right: 28, top: 48, bottom: 32, containLabel: true },
      ...option,
    });
    charts.push(chart);
  };

  const curve = (id, window) => {
    // Left of the first point every wave fits, right of the last none does.
    const certain = window.published ? Math.min(window.published.mailboxes, window.curve[0].mailboxes) : window.curve[0].mailboxes;
    const points = [{ ...window.curve[0], mailboxes: certain }, ...window.curve];
    const marks = [{ xAxis: window.wave_size.recommended, name: "recommended", lineStyle: { color: accent } }];
    if (window.published) marks.push({ xAxis: window.published.mailboxes, name: "published", lineStyle: { color: "#888" } });
    const all = points.map((p) => p.mailboxes).concat(marks.map((m) => m.xAxis));
    draw(id, "Probability that a wave fits, by its size", {
      tooltip: { trigger: "axis", valueFormatter: percent },
      xAxis: {
        type: "value", name: "mailboxes", nameLocation: "middle", nameGap: 26,
        min: Math.floor(Math.min(...all) * 0.97), max: Math.ceil(Math.max(...all) * 1.02), axisLabel: { formatter: whole, hideOverlap: true },
      },
      yAxis: { type: "value", min: 0, max: 1, axisLabel: { formatter: percent } },
      series: [
        { type: "line", stack: "band", symbol: "none", lineStyle: { opacity: 0 }, tooltip: { show: false },
          data: points.map((p) => [p.mailboxes, p.interval[0]]) },
        { type: "line", stack: "band", symbol: "none", lineStyle: { opacity: 0 }, tooltip: { show: false },
          areaStyle: { color: accent, opacity: 0.15 },
          data: points.map((p) => [p.mailboxes, p.interval[1] - p.interval[0]]) },
        { type: "line", name: "fits", symbol: "none", lineStyle: { color: accent, width: 2 }, itemStyle: { color: accent },
          data: points.map((p) => [p.mailboxes, p.probability]),
          markLine: { symbol: "none", label: { formatter: "{b}", position: "insideEndTop" }, data: marks } },
      ],
    });
  };

  const makespan = (id, window) => {
    const values = window.makespan_hours_by_run;
    if (!values.length) return;
    const low = Math.min(...values);
    const high = Math.max(...values);
    const step = Math.max((high - low) / 20, 1e-3);
    const bins = Array.from({ length: 21 }, (_, n) => [low + (n + 0.5) * step, 0]);
    values.forEach((v) => { bins[Math.min(20, Math.floor((v - low) / step))][1] += 1 / values.length; });
    draw(id, "Makespan of the recommended wave", {
      tooltip: { trigger: "axis", valueFormatter: percent },
      xAxis: {
        type: "value", name: "hours", nameLocation: "middle", nameGap: 26,
        min: low - 2 * step, max: Math.max(high, window.open_hours) + 2 * step,
        axisLabel: { formatter: (v) => v.toFixed(2), hideOverlap: true },
      },
      yAxis: { type: "value", axisLabel: { formatter: percent } },
      series: [{
        type: "bar", name: "share of runs", data: bins, barWidth: "60%", itemStyle: { color: accent },
        markLine: {
          symbol: "none", label: { formatter: "{b}", position: "insideEndTop" },
          data: [{ xAxis: window.open_hours, name: "window closes", lineStyle: { color: "#c0392b" } }],
        },
      }],
    });
  };

  const causes = (id, window) => {
    const shares = Object.entries(window.time_by_cause).filter(([, share]) => share >= 0.0005).sort((a, b) => a[1] - b[1]);
    draw(id, "Where lane time goes", {
      tooltip: { valueFormatter: percent },
      xAxis: { type: "value", axisLabel: { formatter: percent } },
      yAxis: { type: "category", data: shares.map(([name]) => name.replaceAll("_", " ")) },
      series: [{
        type: "bar", data: shares.map(([, share]) => share), itemStyle: { color: accent },
        label: { show: true, position: "right", formatter: (p) => percent(p.value) },
      }],
    });
  };

  const effects = (id, window) => {
    const rows = window.sensitivity
      .map((e) => ({ name: `${e.knob.replace(/ \(.*/, "")}: ${e.to}`, change: e.relative - 1 }))
      .sort((a, b) => Math.abs(a.change) - Math.abs(b.change));
    draw(id, "What would change the wave size", {
      tooltip: { valueFormatter: percent },
      xAxis: { type: "value", axisLabel: { formatter: percent, hideOverlap: true } },
      yAxis: { type: "category", data: rows.map((r) => r.name), axisLabel: { fontSize: 11, width: 220, overflow: "truncate", interval: 0 } },
      series: [{
        type: "bar", data: rows.map((r) => ({ value: r.change, itemStyle: { color: r.change < 0 ? "#c0392b" : "#2e8b57" } })),
      }],
    });
  };

  data.windows.forEach((window, number) => {
    curve(`curve-${number}`, window);
    makespan(`makespan-${number}`, window);
    causes(`causes-${number}`, window);
    effects(`effects-${number}`, window);
  });

  const size = (value) => {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    while (value >= 999.5 && unit < units.length - 1) { value /= 1000; unit += 1; }
    return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
  };
  draw("population", "Mailbox sizes: share of mailboxes, and of all bytes", {
    tooltip: { trigger: "axis", valueFormatter: percent },
    legend: { top: 0, right: 0, data: ["mailboxes", "bytes"] },
    xAxis: { type: "category", data: sizes.upper_bytes.map((b) => `up to ${size(b)}`), axisLabel: { hideOverlap: true } },
    yAxis: { type: "value", axisLabel: { formatter: percent } },
    series: [
      { type: "bar", name: "mailboxes", data: sizes.mailboxes, itemStyle: { color: accent } },
      { type: "bar", name: "bytes", data: sizes.bytes, itemStyle: { color: "#9bbcf5" } },
    ],
  });

  addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
})();

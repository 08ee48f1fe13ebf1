/// The script that measures a report inside the browser and posts what it finds to the page around it.
///
/// Layout: nothing wider than its page, nothing over something else. Accessibility after WCAG 2.2 AA:
/// contrast of text 4.5 and of graphics 3 (1.4.3, 1.4.11), headings without a gap, every table cell
/// under headers, every picture and region named, targets of 24 pixels (2.5.8).
let pageMeasure = #"""
  const faults = [], seen = {texts: 0, cells: 0, graphics: 0, names: 0, scrolling: 0};
  addEventListener('error', e => faults.push('error: ' + e.message));
  document.addEventListener('securitypolicyviolation', e => faults.push('blocked: ' + e.blockedURI));
  for (const level of ['error', 'warn']) console[level] = (...a) => faults.push('console: ' + a);
  const say = (what, el) => faults.push(what + ': ' + (el.id || el.className.baseVal ||
    el.className || el.tagName) + ' "' + (el.textContent || '').trim().slice(0, 60) + '"');
  const colour = text => {
    const n = (text.match(/[\d.]+/g) || []).map(Number);
    return n.length < 3 ? [0, 0, 0, 0] : [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]))
    .concat([1]);
  const light = c => {
    const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const back = el => {
    const layers = [];
    for (let at = el; at; at = at.parentElement) layers.push(colour(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const cut = el => {
    let box = {left: 0, right: innerWidth, top: -1e9, bottom: 1e9};
    for (let at = el.parentElement; at; at = at.parentElement) {
      if (getComputedStyle(at).overflowX === 'visible') continue;
      const r = at.getBoundingClientRect();
      box = {left: Math.max(box.left, r.left), right: Math.min(box.right, r.right),
             top: Math.max(box.top, r.top), bottom: Math.min(box.bottom, r.bottom)};
    }
    return box;
  };
  const isShown = el => el.checkVisibility() && !el.closest('.stack thead') ||
    el.checkVisibility() && getComputedStyle(el.closest('.stack thead')).position !== 'absolute';
  const overlaps = (boxes, what) => {
    boxes.sort((a, b) => a.top - b.top);
    for (let i = 0; i < boxes.length; i++)
      for (let j = i + 1; j < boxes.length && boxes[j].top < boxes[i].bottom - 2; j++) {
        const [a, b] = [boxes[i], boxes[j]];
        if (a.node !== b.node && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
          faults.push(what + ': "' + a.text + '" and "' + b.text + '"');
      }
  };
  const layout = state => {
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth)
      faults.push(state + ' page is ' + root.scrollWidth + ' wide in ' + root.clientWidth);
    const boxes = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; node = walker.nextNode();) {
      const el = node.parentElement;
      if (!node.textContent.trim() || el.closest('svg,script,style') || !isShown(el)) continue;
      seen.texts++;
      const range = document.createRange();
      range.selectNodeContents(node);
      const edge = cut(el);
      for (const r of range.getClientRects()) {
        const box = {left: Math.max(r.left, edge.left), right: Math.min(r.right, edge.right),
                     top: r.top, bottom: r.bottom, node, text: node.textContent.trim().slice(0, 40)};
        if (!el.closest('.scroll') && (r.left < -0.5 || r.right > innerWidth + 0.5))
          say(state + ' text beyond the page', el);
        if (box.right - box.left > 1) boxes.push(box);
      }
      if (contrast(over(colour(getComputedStyle(el).color), back(el)), back(el)) < 4.5)
        say(state + ' contrast', el);
    }
    overlaps(boxes, state + ' overlap');
    for (const el of document.querySelectorAll('summary, nav a')) {
      const r = el.getBoundingClientRect();
      if (el.checkVisibility() && r.height < 24) say(state + ' target of ' + r.height, el);
    }
  };
  const pictures = () => {
    const shown = [...document.querySelectorAll('svg.chart')].filter(s => s.checkVisibility());
    if (shown.length !== document.querySelectorAll('figure').length)
      faults.push(shown.length + ' pictures shown');
    for (const svg of shown) {
      const frame = svg.getBoundingClientRect(), below = back(svg);
      const boxes = [...svg.querySelectorAll('text')].map(t => {
        const r = t.getBoundingClientRect();
        if (r.left < frame.left - 1 || r.right > frame.right + 1 || r.bottom > frame.bottom + 1)
          say('label beyond its picture', t);
        if (r.height < 10) say('label of ' + r.height + ' pixels', t);
        return {left: r.left, right: r.right, top: r.top, bottom: r.bottom, node: t,
                text: t.textContent};
      });
      overlaps(boxes, 'labels overlap');
      for (const t of svg.querySelectorAll('text')) {
        const r = t.getBoundingClientRect(), x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2;
        const cell = [...svg.querySelectorAll('rect')].find(c => {
          const b = c.getBoundingClientRect();
          return b.left <= x && x <= b.right && b.top <= y && y <= b.bottom;
        });
        let ground = below;
        if (cell) {
          const style = getComputedStyle(cell), fill = colour(style.fill);
          fill[3] *= Number(style.fillOpacity);
          ground = over(fill, below);
        }
        if (contrast(colour(getComputedStyle(t).fill), ground) < 4.5) say('contrast in picture', t);
      }
      for (const mark of svg.querySelectorAll('polyline, rect[class^=s], .mark path')) {
        const style = getComputedStyle(mark);
        seen.graphics++;
        if (contrast(colour(mark.tagName === 'polyline' ? style.stroke : style.fill), below) < 3)
          say('contrast of ' + mark.tagName, mark);
      }
    }
  };
  const structure = () => {
    if (!document.documentElement.lang || !document.title) faults.push('no language or title');
    let level = 0;
    const headings = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')];
    if (headings.filter(h => h.tagName === 'H1').length !== 1) faults.push('not one h1');
    for (const h of headings) {
      const next = Number(h.tagName[1]);
      if (next > level + 1) say('heading skips from ' + level, h);
      if (!h.textContent.trim()) faults.push('empty heading');
      level = next;
    }
    const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
    if (new Set(ids).size !== ids.length) faults.push('an id is there twice');
    for (const el of document.querySelectorAll(
      'section,nav,figure,table,a,summary,[role=region],[role=img]')) {
      seen.names++;
      const by = (el.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean);
      if (by.some(id => !document.getElementById(id))) say('a name that is not there', el);
      const name = el.getAttribute('aria-label') || by.map(id =>
        (document.getElementById(id) || {}).textContent).join(' ') ||
        (el.caption ? el.caption.textContent : '') ||
        (/^(A|SUMMARY)$/.test(el.tagName) ? el.textContent : '');
      if (!name.trim()) say('no name', el);
      if (el.tagName === 'A' && !document.querySelector(el.getAttribute('href')))
        say('a link to nowhere', el);
    }
    for (const svg of document.querySelectorAll('svg:not([aria-hidden=true])'))
      if (svg.getAttribute('role') !== 'img' || !svg.querySelector('title').textContent ||
          !svg.querySelector('desc').textContent) say('no text alternative', svg);
    for (const figure of document.querySelectorAll('figure'))
      if (!figure.querySelector('details table tbody tr')) say('no table for', figure);
    for (const table of document.querySelectorAll('table')) {
      const columns = [...table.tHead.rows[0].cells];
      if (columns.some(c => c.scope !== 'col')) say('header without scope', table);
      for (const row of table.tBodies[0].rows) {
        if (row.cells[0].colSpan === columns.length) continue;
        if (row.cells.length !== columns.length || row.cells[0].scope !== 'row')
          say('row without its headers', row);
        for (const cell of [...row.cells].slice(1)) {
          seen.cells++;
          if (cell.tagName !== 'TD') say('header among the cells', cell);
        }
      }
    }
    for (const el of document.querySelectorAll('[tabindex]'))
      if (el.tabIndex > 0 || !el.getAttribute('role')) say('focus without a role', el);
  };
  addEventListener('load', () => {
    try {
      structure();
      pictures();
      layout('closed');
      seen.scrolling = [...document.querySelectorAll('.scroll')].filter(e =>
        e.checkVisibility() && e.scrollWidth > e.clientWidth).length;
      for (const one of document.querySelectorAll('details')) one.open = true;
      layout('open');
    } catch (e) { faults.push('measuring: ' + e.stack); }
    const fetched = performance.getEntriesByType('resource').map(e => e.name);
    parent.postMessage(JSON.stringify({
      width: innerWidth, dark: matchMedia('(prefers-color-scheme: dark)').matches,
      faults: [...new Set(faults)].slice(0, 300), fetched, seen,
    }), '*');
  });
  """#

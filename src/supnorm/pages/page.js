(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const root = document.documentElement, tip = document.getElementById('tip'), say = document.getElementById('say');

  // Theme: a button; ?theme=dark or #theme=dark fixes it; print is light.
  document.getElementById('theme').onclick = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme:dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
  };
  const wanted = new URLSearchParams(location.search).get('theme') || (location.hash.match(/theme=(\w+)/) || [])[1];
  if (wanted) root.dataset.theme = wanted;
  addEventListener('beforeprint', () => {
    root.dataset.was = root.dataset.theme || '';
    root.dataset.theme = 'light';
  });
  addEventListener('afterprint', () => {
    if (root.dataset.was) root.dataset.theme = root.dataset.was; else delete root.dataset.theme;
  });

  const place = (x, y) => {
    tip.hidden = false;
    const w = tip.offsetWidth, h = tip.offsetHeight;
    tip.style.left = Math.max(6, Math.min(x + 12, scrollX + innerWidth - w - 10)) + 'px';
    tip.style.top = (y - h - 10 < scrollY + 50 ? y + 18 : y - h - 10) + 'px';
  };
  const hide = () => { tip.hidden = true; };
  const node = (name, words, ...children) => {
    const made = document.createElement(name);
    if (words) made.textContent = words;
    made.append(...children);
    return made;
  };

  // Glossary terms explain themselves on hover and focus.
  all('.term').forEach(link => {
    const entry = document.getElementById('g-' + link.dataset.term);
    const show = () => {
      tip.replaceChildren(node('b', entry.firstElementChild.textContent), node('br'), entry.lastElementChild.textContent);
      const box = link.getBoundingClientRect();
      place(box.left + scrollX - 12, box.top + scrollY);
    };
    link.onmouseenter = link.onfocus = show;
    link.onmouseleave = link.onblur = hide;
  });

  const write = v => {
    if (v === null) return 'no value';
    if (typeof v === 'string') return v;
    const a = Math.abs(v);
    if (a && (a < 1e-3 || a >= 1e6)) {
      const [m, e] = v.toExponential(2).split('e');
      return m.replace('-', '−') + ' × 10' + (+e + '').replace(/[-0-9]/g, c => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(c)]);
    }
    return (+v.toPrecision(4)).toLocaleString('en', {maximumFractionDigits: 6}).replace('-', '−');
  };

  // Charts with numbers are read out by pointer, or by arrow keys when focused.
  all('svg[data-hover]').forEach(svg => {
    let data, i = -1, line;
    const read = () => data = data || JSON.parse(svg.dataset.hover);
    const go = k => {
      const {x, y, k: names, v, u} = read();
      i = Math.max(0, Math.min(x.length - 1, k));
      if (!line) {
        line = document.createElementNS(svg.namespaceURI, 'line');
        line.setAttribute('class', 'cross');
        svg.append(line);
      }
      for (const [key, value] of [['x1', x[i]], ['x2', x[i]], ['y1', y[0]], ['y2', y[1]]]) line.setAttribute(key, value);
      const rows = names.map((name, j) => [name, write(v[j][i]) + (u[j] && v[j][i] !== null ? ' ' + u[j] : '')]);
      tip.replaceChildren(node('table', '', ...rows.map(([a, b]) => node('tr', '', node('td', a), node('td', '', node('b', b))))));
      const box = svg.getBoundingClientRect(), zoom = box.width / svg.viewBox.baseVal.width;
      place(box.left + scrollX + x[i] * zoom, box.top + scrollY + y[0] * zoom + 20);
      return rows;
    };
    const off = () => { if (line) { line.remove(); line = null; } hide(); };
    svg.onpointermove = e => {
      const {x} = read(), box = svg.getBoundingClientRect(), at = (e.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
      let lo = 0, hi = x.length - 1;
      while (hi - lo > 1) { const mid = lo + hi >> 1; if (x[mid] < at) lo = mid; else hi = mid; }
      go(at - x[lo] < x[hi] - at ? lo : hi);
    };
    svg.onpointerleave = svg.onblur = off;
    svg.onkeydown = e => {
      const d = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10}[e.key];
      if (d) {
        e.preventDefault();
        const rows = go(i < 0 ? read().x.length >> 1 : i + d);
        say.textContent = rows.map(row => row.join(' ')).join(', ');
      } else if (e.key === 'Escape') off();
    };
  });

  all('[data-copy]').forEach(button => button.onclick = async () => {
    const words = button.textContent;
    try { await navigator.clipboard.writeText(button.dataset.copy); } catch {
      const area = node('textarea');
      area.value = button.dataset.copy;
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    button.textContent = 'copied';
    setTimeout(() => button.textContent = words, 1200);
  });

  // Tables are sorted by a click on the head of a column, or by Enter there: numbers by their value, largest first.
  all('table.sortable').forEach(table => all('thead th', table).forEach((head, column) => {
    const button = node('button', head.textContent);
    button.type = 'button';
    head.replaceChildren(button);
    button.onclick = () => {
      const cell = row => row.cells[column], body = table.tBodies[0], rows = [...body.rows];
      const numbers = rows.some(row => cell(row).dataset.v), before = head.getAttribute('aria-sort');
      const down = before ? before === 'ascending' : numbers;
      const key = row => numbers ? Number(cell(row).dataset.v?.replace('inf', 'Infinity') || NaN) : cell(row).textContent;
      const known = v => numbers ? !Number.isNaN(v) : true;
      rows.sort((a, b) => {
        const x = key(a), y = key(b);
        if (!known(x) || !known(y)) return known(y) - known(x);
        return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
      });
      body.append(...rows);
      all('th', table.tHead).forEach(other => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    };
  }));

  const links = new Map(all('nav a[href^="#"]').map(a => [a.hash.slice(1), a]));
  const watch = new IntersectionObserver(entries => entries.forEach(entry => {
    if (!entry.isIntersecting) return;
    links.forEach(a => a.removeAttribute('aria-current'));
    links.get(entry.target.id)?.setAttribute('aria-current', 'true');
  }), {rootMargin: '-15% 0px -75% 0px'});
  all('section[id]').forEach(section => watch.observe(section));
})();

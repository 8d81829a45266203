// A line of the last values in an SVG element, drawn from zero, with a soft area below it.

const kSvg = 'http://www.w3.org/2000/svg';

export class Sparkline {
  // `fill`, if given, is what was before the first value.
  constructor(svg, { points = 60, label, fill }) {
    this.points = points;
    this.values = fill === undefined ? [] : Array(points).fill(fill);
    svg.setAttribute('viewBox', `0 0 ${points - 1} 100`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', label);
    this.area = svg.appendChild(document.createElementNS(kSvg, 'path'));
    this.area.setAttribute('class', 'spark-area');
    this.line = svg.appendChild(document.createElementNS(kSvg, 'path'));
    this.line.setAttribute('class', 'spark-line');
    if (fill !== undefined) this.draw();
  }

  push(value) {
    this.values.push(value);
    if (this.values.length > this.points) this.values.shift();
    this.draw();
  }

  draw() {
    const top = Math.max(...this.values, Number.MIN_VALUE) * 1.15;
    const first = this.points - this.values.length;
    const dots = this.values.map(
      (value, i) => `${first + i} ${(96 - (value / top) * 92).toFixed(1)}`,
    );
    const path = `M${dots.join('L')}`;
    this.line.setAttribute('d', path);
    this.area.setAttribute('d', `${path}L${this.points - 1} 100L${first} 100Z`);
  }
}

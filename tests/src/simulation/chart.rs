//! Small SVG drawings that look right on light and on dark pages.

use std::fmt::Write as _;

/// The colors of lines and dots, by their class.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#57606a}.t{font-weight:600;fill:#24292f}\
.g{stroke:#d0d7de;stroke-width:1}.m{stroke:#cf222e;stroke-width:1;stroke-dasharray:4 3}\
.l{fill:none;stroke-width:2;stroke-linejoin:round}.c0{stroke:#1a7f64;fill:#1a7f64}.c1{stroke:#0969da;fill:#0969da}\
.c2{stroke:#8c959f;fill:#8c959f}.c3{stroke:#cf222e;fill:#cf222e}.c4{stroke:#bf8700;fill:#bf8700}\
.c5{stroke:#8250df;fill:#8250df}.l{fill:none!important}text.k{stroke:none}\
@media(prefers-color-scheme:dark){text{fill:#9198a1}.t{fill:#f0f6fc}.g{stroke:#3d444d}}";

/// A drawing in progress.
pub(super) struct Chart {
    width: f64,
    height: f64,
    body: String,
}

impl Chart {
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        Self { width, height, body: format!("<title>{title}</title>") }
    }

    pub(super) fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
        let _ = write!(
            self.body,
            r#"<text x="{x:.0}" y="{y:.0}" class="{class}" text-anchor="{anchor}">{text}</text>"#
        );
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = write!(
            self.body,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    /// A line through the points.
    pub(super) fn path(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let mut steps = String::new();
        for (x, y) in points {
            let _ = write!(steps, "{}{x:.1} {y:.1}", if steps.is_empty() { "M" } else { "L" });
        }
        let _ = write!(self.body, r#"<path class="l {class}" d="{steps}"/>"#);
    }

    pub(super) fn dot(&mut self, class: &str, x: f64, y: f64) {
        let _ = write!(self.body, r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="4"/>"#);
    }

    /// The finished drawing.
    pub(super) fn svg(&self) -> String {
        let Self { width, height, body } = self;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" role="img"><style>{STYLE}</style>{body}</svg>
"#
        )
    }
}

//! Port sets as strips: all 65,536 ports from left to right, those of the holder filled.

use std::fmt::Write;

use portledger::InsideHost;
use portledger::mapping::Holding;

/// Ports to one unit of width.
const SCALE: f64 = 64.0;
const WIDTH: u32 = 1024;
const STRIP: u32 = 24;
const ROW: u32 = 64;

/// An SVG with one strip for each holding.
pub(super) fn strips(holders: &[Holding], host: impl Fn(&InsideHost) -> String) -> String {
    let rows = u32::try_from(holders.len()).unwrap_or(u32::MAX / ROW);
    let (width, height) = (WIDTH + 20, rows.saturating_mul(ROW) + 20);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n"
    );
    let mut top = 10;
    for holding in holders {
        let label = format!(
            "{} on {}: {} ports",
            host(&holding.inside),
            holding.public,
            holding.ports.len()
        );
        // Writing into a String cannot fail.
        let _ = writeln!(svg, "<text x=\"10\" y=\"{}\">{}</text>", top + 14, escape(&label));
        let y = top + 20;
        let _ = writeln!(
            svg,
            "<rect x=\"10\" y=\"{y}\" width=\"{WIDTH}\" height=\"{STRIP}\" fill=\"#e8e8e8\"/>"
        );
        for range in holding.ports.ranges() {
            let x = 10.0 + f64::from(range.first()) / SCALE;
            let w = f64::from(range.len()) / SCALE;
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.3}\" y=\"{y}\" width=\"{w:.3}\" height=\"{STRIP}\" fill=\"#1f5fa8\"><title>{range}</title></rect>"
            );
        }
        for (port, anchor) in [(0_u32, "start"), (32_768, "middle"), (65_535, "end")] {
            let x = 10.0 + f64::from(port) / SCALE;
            let _ = writeln!(
                svg,
                "<text x=\"{x:.3}\" y=\"{}\" font-size=\"9\" text-anchor=\"{anchor}\">{port}</text>",
                y + STRIP + 10
            );
        }
        top += ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

//! Takes the letters from what a page draws.

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, RenderContent, SoftMask, interpret_page,
};

use super::layout::{Layout, Line, Place};

/// Units of a letter's own space in its size.
const UNITS: f64 = 1000.0;

/// Lines of a page, and how many characters were drawn.
pub(super) fn read(pdf: &Pdf, page: &Page<'_>) -> (Vec<Line>, usize) {
    let settings = InterpreterSettings {
        render_content: RenderContent::PAGE,
        ..InterpreterSettings::default()
    };
    // Fonts are shared between the pages of a document, but kept only while one is read.
    let cache = InterpreterCache::new();
    let everywhere = Rect::new(0.0, 0.0, 1.0, 1.0);
    let mut context = Context::new(Affine::IDENTITY, everywhere, &cache, pdf.xref(), settings);
    let mut letters = Letters::default();
    interpret_page(page, &mut context, &mut letters);
    let chars = letters.layout.chars;
    (letters.layout.into_lines(), chars)
}

/// Draws nothing, and keeps where the letters stand.
#[derive(Default)]
struct Letters {
    layout: Layout,
}

impl Device<'_> for Letters {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, mode: &DrawMode) {
        // Letters with a border are drawn twice: filled, and then their border.
        if matches!(mode, DrawMode::Stroke(_)) {
            return;
        }
        for glyph in run.glyphs() {
            let text = match glyph.as_unicode() {
                Some(BfString::Char(c)) => c.to_string(),
                Some(BfString::String(text)) => text,
                None => continue,
            };
            if let Some(place) = place_of(props.transform * glyph.transform(), advance_of(glyph)) {
                self.layout.letter(place, &text);
            }
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

fn advance_of(glyph: &Glyph<'_>) -> f64 {
    let advance = match glyph {
        Glyph::Outline(glyph) => glyph.advance_width(),
        Glyph::Type3(glyph) => glyph.advance_width(),
    };
    advance.map_or(UNITS / 2.0, f64::from)
}

/// Where a letter stands, seen along its line.
fn place_of(transform: Affine, advance: f64) -> Option<Place> {
    let origin = transform * Point::ZERO;
    let right = transform * Point::new(UNITS, 0.0) - origin;
    let up = transform * Point::new(0.0, UNITS) - origin;
    let (size, stretch) = (up.hypot(), right.hypot());
    if !(size.is_finite() && stretch > 0.0) {
        return None;
    }
    let quarter = (right.y.atan2(right.x) / std::f64::consts::FRAC_PI_2).round();
    #[expect(clippy::cast_possible_truncation, reason = "a whole number from -2 to 2")]
    let turn = quarter as i8;
    let (sine, cosine) = match turn {
        1 => (1.0, 0.0),
        -1 => (-1.0, 0.0),
        2 | -2 => (0.0, -1.0),
        _ => (0.0, 1.0),
    };
    Some(Place {
        along: origin.x * cosine + origin.y * sine,
        across: origin.x * sine - origin.y * cosine,
        width: advance / UNITS * stretch,
        size,
        turn,
    })
}

//! What a process for each file costs: printed on demand, since it says something about a quiet machine only.

use std::time::Instant;

use futures_util::StreamExt;
use pidima::knowledge::parse::{MediaType, ParseLimits, parse};

use super::parser;

/// Pages of a reference manual have some 20 KB.
fn page() -> Vec<u8> {
    let section = "<h2>Pressure</h2><p>The pump runs at 3 bar, and never above 6 bar.</p><ul><li>Open the <a href='v'>valve</a>.</li>\
        <li>Turn it.</li></ul><table><tr><th>Pump</th><th>Bar</th></tr><tr><td>P1</td><td>3</td></tr></table>";
    format!(
        "<html><body><nav><a href='/'>Home</a></nav><main><h1>Pumps</h1>{}</main></body></html>",
        section.repeat(80)
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: run it alone, with --release --ignored --nocapture"]
async fn pages_per_second_in_a_process_each_and_in_this_one() {
    const PAGES: usize = 400;
    let page = page();
    let began = Instant::now();
    for _ in 0..PAGES {
        parse(MediaType::Html, &page, &ParseLimits::default()).unwrap();
    }
    let here = began.elapsed();
    for processes in [1, 2, 4] {
        let parser = parser(|it| it.processes = processes);
        let began = Instant::now();
        let reads = futures_util::stream::iter(0..PAGES)
            .map(|_| parser.parse(MediaType::Html, &page))
            .buffer_unordered(processes);
        let read = reads.filter(|read| std::future::ready(read.is_ok())).count().await;
        assert_eq!(read, PAGES);
        let there = began.elapsed();
        println!(
            "{} bytes a page; {processes} at once: {:.0} pages/s, {:.2} ms each; here, one thread: {:.0} pages/s, {:.2} ms each",
            page.len(),
            PAGES as f64 / there.as_secs_f64(),
            there.as_secs_f64() * 1e3 / PAGES as f64 * processes as f64,
            PAGES as f64 / here.as_secs_f64(),
            here.as_secs_f64() * 1e3 / PAGES as f64,
        );
    }
}

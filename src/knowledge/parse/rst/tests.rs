//! reStructuredText as manuals hold it.

use crate::knowledge::parse::{BlockKind, Extraction, MediaType, ParseLimits, parse};

fn read(source: &str) -> Extraction {
    parse(MediaType::Rst, source.as_bytes(), &ParseLimits::default()).unwrap()
}

#[test]
fn titles_take_their_levels_from_their_order_and_targets_are_anchors() {
    let made = read(
        "=====\nPumps\n=====\n\nIntro.\n\n.. _how-to use:\n\nUse\n---\n\nOpen *it* and ``run``.\n\nCare\n----\n\nOil.\n",
    );
    assert_eq!(made.text, "Pumps\n\nIntro.\n\nUse\n\nOpen it and run.\n\nCare\n\nOil.");
    assert_eq!(made.title.as_deref(), Some("Pumps"));
    assert_eq!(made.sections[2].heading_path, ["Pumps", "Use"]);
    assert_eq!(made.sections[2].anchor.as_deref(), Some("how-to-use"));
}

#[test]
fn roles_and_links_leave_their_text() {
    let made = read(
        "See :ref:`the guide <guide>`, :py:func:`~os.path`, `site <https://a.example>`_ and \\*this at 10:30.",
    );
    assert_eq!(made.text, "See the guide, os.path, site and *this at 10:30.");
}

#[test]
fn lists_nest_and_keep_their_numbers() {
    let made = read("* one\n  goes on\n\n  - inner\n\n* two\n\n1. first\n2. second\n\n#. auto\n");
    assert_eq!(made.text, "- one goes on\n  - inner\n- two\n1. first\n2. second\n- auto");
}

#[test]
fn literal_blocks_and_code_keep_their_lines() {
    let made = read(
        "Run::\n\n    if x:\n        run()\n\nThen:\n\n.. code-block:: sh\n   :linenos:\n\n   make  all\n",
    );
    assert_eq!(made.text, "Run:\n\nif x:\n    run()\n\nThen:\n\nmake  all");
    assert_eq!(made.blocks[1].kind, BlockKind::Code);
    assert!(made.blocks[0].keep_with_next);
}

#[test]
fn notes_are_named_and_what_is_fetched_is_left_out() {
    let made = read(
        ".. note::\n\n   Mind it.\n\n.. warning:: Hot.\n\n.. toctree::\n   :maxdepth: 2\n\n   a\n   b\n\n.. a comment\n   of two lines\n\n\
         .. versionadded:: 3.2\n\n.. function:: run(x)\n\n   Runs.\n\n.. [1] By hand.\n",
    );
    let text = "Note:\n\nMind it.\n\nWarning: Hot.\n\nNew in version 3.2\n\nrun(x)\n\nRuns.\n\n[1] By hand.";
    assert_eq!(made.text, text);
}

#[test]
fn tables_of_three_kinds_are_rows() {
    let grid = "+------+-----+\n| Pump | Bar |\n+======+=====+\n| P1   | 3   |\n|      | max |\n+------+-----+\n";
    assert_eq!(read(grid).text, "Pump | Bar\nP1 | 3 max");
    let simple = "====  ===\nPump  Bar\n====  ===\nP1    3\nP2    4\n====  ===\n";
    assert_eq!(read(simple).text, "Pump | Bar\nP1 | 3\nP2 | 4");
    let list = ".. list-table:: Pumps\n   :header-rows: 1\n\n   * - Pump\n     - Bar\n   * - P1\n     - 3\n";
    assert_eq!(read(list).text, "Pumps\n\nPump | Bar\nP1 | 3");
}

#[test]
fn a_term_stays_with_its_definition() {
    let made = read("valve\n    Opens and closes.\n\nNext.\n");
    assert_eq!(made.text, "valve\n\nOpens and closes.\n\nNext.");
    assert!(made.blocks[0].keep_with_next);
}

#[test]
fn directives_without_end_and_floods_of_marks_end() {
    let deep: String = (0..200).map(|n| format!("{}.. note::\n\n", "   ".repeat(n))).collect();
    let refused = parse(MediaType::Rst, deep.as_bytes(), &ParseLimits::default()).unwrap_err();
    assert_eq!(refused.code(), "nested_too_deep");
    for mark in ["`", "*", "**a ", ":a:`", "..\n", "- ", "+-+\n", "== ==\n", "|", ":", "\\"] {
        let source = format!("Text.\n\n{}", mark.repeat(20_000));
        assert!(
            parse(MediaType::Rst, source.as_bytes(), &ParseLimits::default()).is_ok(),
            "{mark}"
        );
    }
}

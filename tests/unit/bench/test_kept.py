"""The page that quotes figures."""

from bench.kept import quoting

PAGE = """\
before
<!-- bench/results/one.txt -->
```
old
older
```
between
<!-- bench/results/two.txt -->
```
```
"""


def test_only_the_block_of_the_run_is_rewritten() -> None:
    page = quoting(PAGE, "one", "new \\1\n")
    assert page == PAGE.replace("old\nolder\n", "new \\1\n")
    assert quoting(page, "one", "old\nolder\n") == PAGE


def test_an_empty_block_is_filled() -> None:
    assert quoting(PAGE, "two", "x\n").endswith("two.txt -->\n```\nx\n```\n")


def test_a_page_without_the_mark_stays_as_it_is() -> None:
    assert quoting(PAGE, "three", "x\n") == PAGE

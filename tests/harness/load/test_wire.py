from harness.load.wire import OTHER_NAMES, NameCap, tick_of, tick_start


def test_names_beyond_the_cap_share_one_and_known_ones_stay() -> None:
    cap = NameCap(2)
    assert [cap("a"), cap("b")] == ["a", "b"]
    assert not cap.overflowed
    assert [cap("c"), cap("a"), cap(OTHER_NAMES)] == [OTHER_NAMES, "a", OTHER_NAMES]
    assert cap.overflowed


def test_an_endless_name_is_cut() -> None:
    assert len(NameCap()("x" * 10_000)) == 300


def test_a_tick_is_a_quarter_of_a_second() -> None:
    assert tick_of(10.26) == 41
    assert tick_start(41) == 10.25

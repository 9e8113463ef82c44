from darkroom.camera.limits import GIBIBYTE, Limits


def test_small_files_get_the_same_time_and_large_ones_more():
    limits = Limits(seconds=20, seconds_per_megapixel=0.5)
    assert limits.seconds_for(0) == limits.seconds_for(40_000_000) == 20
    assert limits.seconds_for(256_000_000) == 128


def test_memory_grows_with_the_frame_up_to_a_cap():
    limits = Limits()
    assert limits.memory_for(0, 0) == GIBIBYTE
    assert limits.memory_for(50, 10) == GIBIBYTE + 250
    assert limits.memory_for(GIBIBYTE, 256_000_000) == 6 * GIBIBYTE


def test_the_largest_frame_within_the_limits_may_be_held():
    limits = Limits()
    assert limits.memory_for(0, limits.max_pixels) > 4 * limits.max_pixels

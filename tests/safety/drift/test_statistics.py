import numpy as np
import pytest

from dwcp.safety.drift import chi_square_homogeneity, holm, kolmogorov_p_value, population_stability


def test_psi_is_nothing_for_equal_shares_and_symmetric():
    a, b = np.array([5000.0, 3000, 2000]), np.array([500.0, 300, 200])
    assert population_stability(a, b) < 0.001
    c = np.array([2000.0, 3000, 5000])
    # (0.2 - 0.5) ln(0.4) twice, but for the half rows.
    assert population_stability(a, c) == pytest.approx(0.5498, abs=0.001)
    assert population_stability(a, c) == pytest.approx(population_stability(c, a))
    assert np.isfinite(population_stability(a, np.array([0.0, 0, 1])))


def test_kolmogorov_is_that_of_the_tables():
    # Critical distances 1.358 and 1.628 over the root of the effective rows, for 0.05 and 0.01.
    root = np.sqrt(5e5)
    assert kolmogorov_p_value(1.358 / root, 1e6, 1e6) == pytest.approx(0.05, abs=0.001)
    assert kolmogorov_p_value(1.628 / root, 1e6, 1e6) == pytest.approx(0.01, abs=0.0005)
    assert kolmogorov_p_value(0.0, 10, 10) == 1.0


def test_p_values_are_as_small_as_they_say_and_no_smaller_where_nothing_differs():
    rng = np.random.default_rng(1)
    shares = np.array([0.5, 0.3, 0.15, 0.04, 0.008, 0.002])
    found = [
        chi_square_homogeneity(
            rng.multinomial(5000, shares).astype(float), rng.multinomial(300, shares).astype(float)
        )
        for _ in range(2000)
    ]
    for level in (0.01, 0.05, 0.5):
        assert 0.3 * level < np.mean(np.array(found) < level) < 1.3 * level


def test_a_value_never_seen_before_is_evidence_and_a_single_row_of_one_is_none():
    assert chi_square_homogeneity(np.array([3000.0, 1]), np.array([100.0, 1])) > 0.1
    assert chi_square_homogeneity(np.array([3000.0, 0]), np.array([0.0, 100])) < 1e-9
    assert chi_square_homogeneity(np.array([5000.0, 0]), np.array([288.0, 12])) < 1e-9
    assert chi_square_homogeneity(np.array([5000.0, 0]), np.array([300.0, 0])) == 1.0


def test_holm_steps_down_and_never_turns():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []

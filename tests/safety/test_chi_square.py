import pytest

from dwcp.errors import InputError
from dwcp.safety.chi_square import chi_square_p_value


@pytest.mark.parametrize(
    ("statistic", "degrees", "p_value"),
    # Abramowitz and Stegun, table 26.8.
    [(3.84146, 1, 0.05), (10.8276, 1, 0.001), (5.99146, 2, 0.05), (11.3449, 3, 0.01), (18.3070, 10, 0.05),
     (43.7730, 30, 0.05), (0.0, 5, 1.0)],
)  # fmt: skip
def test_chi_square_is_that_of_the_tables(statistic, degrees, p_value):
    assert chi_square_p_value(statistic, degrees) == pytest.approx(p_value, rel=1e-4)
    assert chi_square_p_value(1e5, degrees) == 0


@pytest.mark.parametrize(("statistic", "degrees"), [(-0.1, 1), (float("nan"), 1), (1.0, 0)])
def test_what_is_out_of_range_is_refused(statistic, degrees):
    with pytest.raises(InputError, match="a chi-square test takes a statistic from 0"):
        chi_square_p_value(statistic, degrees)

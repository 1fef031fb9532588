"""The NIST StRD problems of nonlinear least squares, with their certified answers.

Source: https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml, a publication of the United
States government in the public domain.  The numbers were typed in from copies of its tables,
some deviations and sums from memory; tests/reference/test_nist_tables.py computes all but
the starts anew.

A table's first line: name, level of difficulty, page below .../nls/data/ (.shtml), certified
residual sum of squares RSS.  Then a line for each parameter b1, b2, ... with the columns of
NIST's pages: start 1 (far), start 2 (near), the certified value, the certified standard
deviation sqrt(diag((J^T J)^-1) RSS / (N - D)).  Weights are one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.reference import nist_long_observations as long
from tests.reference import nist_models as models
from tests.reference import nist_observations as short


@dataclass(frozen=True)
class Problem:
    """One problem; D parameters, N observations."""

    name: str
    level: str  # of difficulty, as NIST gives it: lower, average or higher
    source: str
    function: Callable[..., Any]  # f(x, b1, ..., bD) -> (N,), in plain numpy
    x: Any  # (N,) or (inputs, N)
    y: Any  # (N,)
    starts: tuple[tuple[float, ...], tuple[float, ...]]
    parameters: tuple[float, ...]  # certified, (D,)
    deviations: tuple[float, ...]  # certified standard deviations, (D,)
    residual_sum: float  # certified sum of squared residuals


def problem(
    function: Callable[..., Any], observations: tuple[Any, Any], table: str
) -> Problem:
    """The problem of one of NIST's pages; `table` as the module says."""
    head, *rows = [line.split() for line in table.strip().splitlines()]
    name, level, page, residual_sum = head
    far, near, value, deviation = (
        tuple(map(float, c)) for c in zip(*rows, strict=True)
    )
    return Problem(
        name=name,
        level=level,
        source=f"https://www.itl.nist.gov/div898/strd/nls/data/{page}.shtml",
        function=function,
        x=observations[0],
        y=observations[1],
        starts=(far, near),
        parameters=value,
        deviations=deviation,
        residual_sum=float(residual_sum),
    )


ALL_PROBLEMS = (
    problem(
        models.saturation,
        short.MISRA1,
        """
        Misra1a lower misra1a 1.2455138894E-01
             500      250  2.3894212918E+02 2.7070075241E+00
          0.0001   0.0005  5.5015643181E-04 7.2668688436E-06
        """,
    ),
    problem(
        models.chwirut,
        short.CHWIRUT2,
        """
        Chwirut2 lower chwirut2 5.1304802941E+02
             0.1     0.15  1.6657666537E-01 3.8303286810E-02
            0.01    0.008  5.1653291286E-03 6.6621605126E-04
            0.02     0.01  1.2150007096E-02 1.5304234767E-03
        """,
    ),
    problem(
        models.chwirut,
        short.CHWIRUT1,
        """
        Chwirut1 lower chwirut1 2.3844771393E+03
             0.1     0.15  1.9027818370E-01 2.1938557035E-02
            0.01    0.008  6.1314004477E-03 3.4500025051E-04
            0.02     0.01  1.0530908399E-02 7.9281847748E-04
        """,
    ),
    problem(
        models.lanczos,
        short.LANCZOS3,
        """
        Lanczos3 lower lanczos3 1.6117193594E-08
             1.2      0.5  8.6816414977E-02 1.7197908859E-02
             0.3      0.7  9.5498101505E-01 9.7041624475E-02
             5.6      3.6  8.4400777463E-01 4.1488663282E-02
             5.5      4.2  2.9515951832E+00 1.0766312506E-01
             6.5        4  1.5825685901E+00 5.8371576281E-02
             7.6      6.3  4.9863565084E+00 3.4436403035E-02
        """,
    ),
    problem(
        models.gauss,
        long.GAUSS1,
        """
        Gauss1 lower gauss1 1.3158222432E+03
              97       94  9.8778210871E+01 5.7527312730E-01
           0.009   0.0105  1.0497276517E-02 1.1406289017E-04
             100       99  1.0048990633E+02 5.8831775752E-01
              65       63  6.7481111276E+01 1.0460593412E-01
              20       25  2.3129773360E+01 1.7439951146E-01
              70       71  7.1994503004E+01 6.2622793913E-01
             178      180  1.7899805021E+02 1.2436988217E-01
            16.5       20  1.8389389025E+01 2.0134312832E-01
        """,
    ),
    problem(
        models.gauss,
        long.GAUSS2,
        """
        Gauss2 lower gauss2 1.2475282092E+03
              96       98  9.9018328406E+01 5.3748766879E-01
           0.009   0.0105  1.0994945399E-02 1.3335306766E-04
             103      103  1.0188022528E+02 5.9217315772E-01
             106      105  1.0703095519E+02 1.5006798316E-01
              18       20  2.3578584029E+01 2.2695595067E-01
              72       73  7.2045589471E+01 6.1721965884E-01
             151      150  1.5327010194E+02 1.9466674341E-01
              18       20  1.9525972636E+01 2.6416549393E-01
        """,
    ),
    problem(
        models.danwood,
        short.DANWOOD,
        """
        DanWood lower daniel_wood 4.3173084083E-03
               1      0.7  7.6886226176E-01 1.8281973860E-02
               5        4  3.8604055871E+00 5.1726610913E-02
        """,
    ),
    problem(
        models.misra1b,
        short.MISRA1,
        """
        Misra1b lower misra1b 7.5464681533E-02
             500      300  3.3799746163E+02 3.1643950207E+00
          0.0001   0.0002  3.9039091287E-04 4.2547321834E-06
        """,
    ),
    problem(
        models.kirby2,
        long.KIRBY2,
        """
        Kirby2 average kirby2 3.9050739624E+00
               2      1.5  1.6745063063E+00 8.7989634338E-02
            -0.1    -0.15 -1.3927397867E-01 4.1182041386E-03
           0.003   0.0025  2.5961181191E-03 4.1856520458E-05
          -0.001  -0.0015 -1.7241811870E-03 5.8931897355E-05
           1e-05    2e-05  2.1664802578E-05 2.0129761919E-07
        """,
    ),
    # Copies differ in b1 of start 2: 1 (a tenth of start 1, as the others) or 0.1.
    problem(
        models.cubic_ratio,
        long.HAHN1,
        """
        Hahn1 average hahn1 1.5324382854E+00
              10        1  1.0776351733E+00 1.7070154742E-01
              -1     -0.1 -1.2269296921E-01 1.2000289189E-02
            0.05    0.005  4.0863750610E-03 2.2508314937E-04
          -1e-05   -1e-06 -1.4262662514E-06 2.7578037666E-07
           -0.05   -0.005 -5.7609940901E-03 2.4712888219E-04
           0.001   0.0001  2.4053735503E-04 1.0449373768E-05
          -1e-06   -1e-07 -1.2314450199E-07 1.3027335327E-08
        """,
    ),
    problem(
        models.nelson,
        short.NELSON,
        """
        Nelson average nelson 3.7976833176E+00
               2      2.5  2.5906836021E+00 1.9149996413E-02
          0.0001    5e-09  5.6177717026E-09 6.1124096540E-09
           -0.01    -0.05 -5.7701013174E-02 3.9572366543E-03
        """,
    ),
    problem(
        models.mgh17,
        short.MGH17,
        """
        MGH17 average mgh17 5.4648946975E-05
              50      0.5  3.7541005211E-01 2.0723153551E-03
             150      1.5  1.9358469127E+00 2.2031669222E-01
            -100       -1 -1.4646871366E+00 2.2175707739E-01
               1     0.01  1.2867534640E-02 4.4861358114E-04
               2     0.02  2.2122699662E-02 8.9471996575E-04
        """,
    ),
    problem(
        models.lanczos,
        short.LANCZOS1,
        """
        Lanczos1 average lanczos1 1.4307867721E-25
             1.2      0.5  9.5100000027E-02 5.3347304234E-11
             0.3      0.7  1.0000000001E+00 2.7473038179E-10
             5.6      3.6  8.6070000013E-01 1.3576062225E-10
             5.5      4.2  3.0000000002E+00 3.3308253069E-10
             6.5        4  1.5575999998E+00 1.8815731448E-10
             7.6      6.3  5.0000000001E+00 1.1057500538E-10
        """,
    ),
    problem(
        models.lanczos,
        short.LANCZOS2,
        """
        Lanczos2 average lanczos2 2.2299428125E-11
             1.2      0.5  9.6251029939E-02 6.6770575477E-04
             0.3      0.7  1.0057332849E+00 3.3989646176E-03
             5.6      3.6  8.6424689056E-01 1.7185846685E-03
             5.5      4.2  3.0078283915E+00 4.1707005856E-03
             6.5        4  1.5529016879E+00 2.3744381417E-03
             7.6      6.3  5.0028798100E+00 1.3958787284E-03
        """,
    ),
    problem(
        models.gauss,
        long.GAUSS3,
        """
        Gauss3 average gauss3 1.2444846360E+03
            94.9       96  9.8940368970E+01 5.3005192833E-01
           0.009   0.0096  1.0945879335E-02 1.2554058911E-04
            90.1       80  1.0069553078E+02 8.1256587317E-01
             113      110  1.1163619459E+02 3.5317859757E-01
              20       25  2.3300500029E+01 3.6584783023E-01
            73.8       74  7.3705031418E+01 1.2091239082E+00
             140      139  1.4776164251E+02 4.0488183351E-01
              20       25  1.9668221230E+01 3.7806634336E-01
        """,
    ),
    problem(
        models.misra1c,
        short.MISRA1,
        """
        Misra1c average misra1c 4.0966836971E-02
             500      600  6.3642725809E+02 4.6638326572E+00
          0.0001   0.0002  2.0813627256E-04 1.7728423155E-06
        """,
    ),
    problem(
        models.misra1d,
        short.MISRA1,
        """
        Misra1d average misra1d 5.6419295283E-02
             500      450  4.3736970754E+02 3.6489174345E+00
          0.0001   0.0003  3.0227324449E-04 2.9334354479E-06
        """,
    ),
    problem(
        models.roszman1,
        short.ROSZMAN1,
        """
        Roszman1 average roszman1 4.9484847331E-04
             0.1      0.2  2.0196866396E-01 1.9172666023E-02
          -1e-05   -5e-06 -6.1953516256E-06 3.2058931691E-06
            1000     1200  1.2044556708E+03 7.4050983057E+01
            -100     -150 -1.8134269537E+02 4.9573513849E+01
        """,
    ),
    problem(
        models.enso,
        long.ENSO,
        """
        ENSO average enso 7.8853978668E+02
              11       10  1.0510749193E+01 1.7488832467E-01
               3        3  3.0762128085E+00 2.4310052139E-01
             0.5      0.5  5.3280138227E-01 2.4354686618E-01
              40       44  4.4311088700E+01 9.4408025976E-01
            -0.7     -1.5 -1.6231428586E+00 2.8078369611E-01
            -1.3      0.5  5.2554493756E-01 4.8073701119E-01
              25       26  2.6887614440E+01 4.1612939130E-01
            -0.3     -0.1  2.1232288488E-01 5.1460022911E-01
             1.4      1.5  1.4966870418E+00 2.5434468893E-01
        """,
    ),
    problem(
        models.mgh09,
        short.MGH09,
        """
        MGH09 higher mgh09 3.0750560385E-04
              25     0.25  1.9280693458E-01 1.1435312227E-02
              39     0.39  1.9128232873E-01 1.9633220911E-01
            41.5    0.415  1.2305650693E-01 8.0842031232E-02
              39     0.39  1.3606233068E-01 9.0025542308E-02
        """,
    ),
    problem(
        models.cubic_ratio,
        short.THURBER,
        """
        Thurber higher thurber 5.6427082397E+03
            1000     1300  1.2881396800E+03 4.6647963344E+00
            1000     1500  1.4910792535E+03 3.9571156086E+01
             400      500  5.8323836877E+02 2.8698696102E+01
              40       75  7.5416644291E+01 5.5675370270E+00
             0.7        1  9.6629502864E-01 3.1333340687E-02
             0.3      0.4  3.9797285797E-01 1.4984928198E-02
            0.03     0.05  4.9727297349E-02 6.5842344623E-03
        """,
    ),
    problem(
        models.saturation,
        short.BOXBOD,
        """
        BoxBOD higher boxbod 1.1680088766E+03
               1      100  2.1380940889E+02 1.2354515176E+01
               1     0.75  5.4723748542E-01 1.0455993237E-01
        """,
    ),
    problem(
        models.rat42,
        short.RAT42,
        """
        Rat42 higher ratkowsky2 8.0565229338E+00
             100       75  7.2462237576E+01 1.7340283401E+00
               1      2.5  2.6180768402E+00 8.8295217536E-02
             0.1     0.07  6.7359200066E-02 3.4465663377E-03
        """,
    ),
    problem(
        models.mgh10,
        short.MGH10,
        """
        MGH10 higher mgh10 8.7945855171E+01
               2     0.02  5.6096364710E-03 1.5687892471E-04
          400000     4000  6.1813463463E+03 2.3309021107E+01
           25000      250  3.4522363462E+02 7.8486103508E-01
        """,
    ),
    problem(
        models.eckerle4,
        short.ECKERLE4,
        """
        Eckerle4 higher eckerle4 1.4635887487E-03
               1      1.5  1.5543827178E+00 1.5408051163E-02
              10        5  4.0888321754E+00 4.6803020753E-02
             500      450  4.5154121844E+02 4.6800518816E-02
        """,
    ),
    problem(
        models.rat43,
        short.RAT43,
        """
        Rat43 higher ratkowsky3 8.7864049080E+03
             100      700  6.9964151270E+02 1.6302297817E+01
              10        5  5.2771253025E+00 2.0828735829E+00
               1     0.75  7.5962938329E-01 1.9566123451E-01
               1      1.3  1.2792483859E+00 6.8761936385E-01
        """,
    ),
    problem(
        models.bennett5,
        short.BENNETT5,
        """
        Bennett5 higher bennett5 5.2404744073E-04
           -2000    -1500 -2.5235058043E+03 2.9715175411E+02
              50       45  4.6736564644E+01 1.2448871856E+00
             0.8     0.85  9.3218483193E-01 2.0272299378E-02
        """,
    ),
)

"""The code of a density: from y to theta, its factors, and the sweep back, in LLVM's IR.

Three functions over the tables of a chain (`LAYOUT`, one row of numbers and addresses):
``transform(y, data)`` writes theta and returns the sum of ln q, ``density(D, y, gradient,
value, data)`` is what nutpie calls (0 is success, 1 a point without a finite answer), and
``same`` hands y back as it is.  The loop over factors is that of
:mod:`graphfit.compiler.factor_sum`.
"""

from collections.abc import Sequence

from graphfit.compiler.factor_sum import LOOP

# Where the numbers and addresses of a chain lie, see `Chain`.
LAYOUT = (
    "dimension",
    "n_terms",
    "term_kernels",
    "term_starts",
    "term_inputs",
    "term_constants",
    "term_targets",
    "table",
    "own",
    "term_out",
    "n_factors",
    "factor_kernels",
    "factor_starts",
    "factor_local",
    "factor_constants",
    "factor_columns",
    "factor_points",
    "factor_values",
    "factor_out",
    "slopes",
    "calls",
)


def _loads(names: Sequence[str]) -> str:
    """Return the IR that loads entries of a chain's table, numbers and addresses."""
    lines = []
    for name in names:
        kind = (
            "i64" if name in ("dimension", "n_terms", "n_factors", "calls") else "ptr"
        )
        place = LAYOUT.index(name)
        lines += [
            f"  %{name}.at = getelementptr i64, ptr %data, i64 {place}",
            f"  %{name} = load {kind}, ptr %{name}.at",
        ]
    return "\n".join(lines)


# For each term t: own = table[inputs]; ln q += kernel(own); table[D + target] = out[0].
# Ends at once where theta or ln q is not finite: nothing else is asked there.
TRANSFORM = f"""
declare double @llvm.fabs.f64(double)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

define double @transform(ptr %y, ptr %data) {{
entry:
{_loads(LAYOUT[:10])}
  %bytes = mul i64 %dimension, 8
  call void @llvm.memcpy.p0.p0.i64(ptr %table, ptr %y, i64 %bytes, i1 false)
  br label %term
term:
  %t = phi i64 [0, %entry], [%t.next, %store]
  %sum = phi double [0.0, %entry], [%sum.next, %store]
  %more = icmp slt i64 %t, %n_terms
  br i1 %more, label %work, label %done
work:
  %start.at = getelementptr i64, ptr %term_starts, i64 %t
  %start = load i64, ptr %start.at
  %t.next = add i64 %t, 1
  %stop.at = getelementptr i64, ptr %term_starts, i64 %t.next
  %stop = load i64, ptr %stop.at
  br label %gather
gather:
  %i = phi i64 [%start, %work], [%i.next, %copy]
  %left = icmp slt i64 %i, %stop
  br i1 %left, label %copy, label %call
copy:
  %from.at = getelementptr i64, ptr %term_inputs, i64 %i
  %from = load i64, ptr %from.at
  %input.at = getelementptr double, ptr %table, i64 %from
  %input = load double, ptr %input.at
  %k = sub i64 %i, %start
  %to = getelementptr double, ptr %own, i64 %k
  store double %input, ptr %to
  %i.next = add i64 %i, 1
  br label %gather
call:
  %kernel.at = getelementptr ptr, ptr %term_kernels, i64 %t
  %kernel = load ptr, ptr %kernel.at
  %constants.at = getelementptr ptr, ptr %term_constants, i64 %t
  %constants = load ptr, ptr %constants.at
  %twice = shl i64 %start, 1
  %place = add i64 %twice, %t
  %out = getelementptr double, ptr %term_out, i64 %place
  %log_q = call double %kernel(ptr %own, ptr %constants, ptr null, i64 0, ptr %out)
  %theta = load double, ptr %out
  %sum.next = fadd double %sum, %log_q
  %size.theta = call double @llvm.fabs.f64(double %theta)
  %size.sum = call double @llvm.fabs.f64(double %sum.next)
  %theta.ok = fcmp olt double %size.theta, 0x7FF0000000000000
  %sum.ok = fcmp olt double %size.sum, 0x7FF0000000000000
  %ok = and i1 %theta.ok, %sum.ok
  br i1 %ok, label %store, label %bad
store:
  %target.at = getelementptr i64, ptr %term_targets, i64 %t
  %target = load i64, ptr %target.at
  %slot = add i64 %target, %dimension
  %theta.at = getelementptr double, ptr %table, i64 %slot
  store double %theta, ptr %theta.at
  br label %term
bad:
  ret double 0x7FF8000000000000
done:
  ret double %sum
}}
"""

DENSITY = f"""
define i64 @density(i64 %size, ptr %y, ptr %gradient, ptr %value, ptr %data) {{
entry:
{_loads(LAYOUT)}
  %calls.next = add i64 %calls, 1
  store i64 %calls.next, ptr %calls.at
  %log_q = call double @transform(ptr %y, ptr %data)
  %possible = fcmp ord double %log_q, 0.0
  br i1 %possible, label %likelihood, label %bad
likelihood:
  %theta = getelementptr double, ptr %table, i64 %dimension
  call void @factors(i64 %n_factors, ptr %factor_kernels, ptr %factor_starts,
                     ptr %factor_local, ptr %factor_constants, ptr %factor_columns,
                     ptr %factor_points, ptr %theta, ptr %own, ptr %factor_values,
                     ptr %factor_out)
  br label %add
add:
  %f = phi i64 [0, %likelihood], [%f.next, %take]
  %sum = phi double [%log_q, %likelihood], [%sum.next, %take]
  %f.more = icmp slt i64 %f, %n_factors
  br i1 %f.more, label %take, label %added
take:
  %f.at = getelementptr double, ptr %factor_values, i64 %f
  %f.value = load double, ptr %f.at
  %sum.next = fadd double %sum, %f.value
  %f.next = add i64 %f, 1
  br label %add
added:
  store double %sum, ptr %value
  %sum.size = call double @llvm.fabs.f64(double %sum)
  %sum.ok = fcmp olt double %sum.size, 0x7FF0000000000000
  br i1 %sum.ok, label %clear, label %bad
clear:
  %double = shl i64 %dimension, 4
  %slope.bytes = add i64 %double, 8
  call void @llvm.memset.p0.i64(ptr %slopes, i8 0, i64 %slope.bytes, i1 false)
  %last.at = getelementptr i64, ptr %factor_starts, i64 %n_factors
  %last = load i64, ptr %last.at
  br label %scatter
scatter:
  %i = phi i64 [0, %clear], [%i.next, %put]
  %i.more = icmp slt i64 %i, %last
  br i1 %i.more, label %put, label %back
put:
  %local.at = getelementptr i64, ptr %factor_local, i64 %i
  %local = load i64, ptr %local.at
  %slot = add i64 %local, %dimension
  %held.at = getelementptr double, ptr %slopes, i64 %slot
  %held = load double, ptr %held.at
  %part.at = getelementptr double, ptr %factor_out, i64 %i
  %part = load double, ptr %part.at
  %held.next = fadd double %held, %part
  store double %held.next, ptr %held.at
  %i.next = add i64 %i, 1
  br label %scatter
back:
  %t = phi i64 [%n_terms, %scatter], [%t.last, %inputs]
  %t.more = icmp sgt i64 %t, 0
  br i1 %t.more, label %term, label %finish
term:
  %t.last = sub i64 %t, 1
  %start.at = getelementptr i64, ptr %term_starts, i64 %t.last
  %start = load i64, ptr %start.at
  %stop.at = getelementptr i64, ptr %term_starts, i64 %t
  %stop = load i64, ptr %stop.at
  %count = sub i64 %stop, %start
  %twice = shl i64 %start, 1
  %place = add i64 %twice, %t.last
  %first = add i64 %place, 1
  %second = add i64 %first, %count
  %target.at = getelementptr i64, ptr %term_targets, i64 %t.last
  %target = load i64, ptr %target.at
  %own.slot = add i64 %target, %dimension
  %g.at = getelementptr double, ptr %slopes, i64 %own.slot
  %g = load double, ptr %g.at
  br label %inputs
inputs:
  %k = phi i64 [0, %term], [%k.next, %hand]
  %k.more = icmp slt i64 %k, %count
  br i1 %k.more, label %hand, label %back
hand:
  %from = add i64 %start, %k
  %input.at = getelementptr i64, ptr %term_inputs, i64 %from
  %input = load i64, ptr %input.at
  %to = getelementptr double, ptr %slopes, i64 %input
  %old = load double, ptr %to
  %a = add i64 %first, %k
  %a.at = getelementptr double, ptr %term_out, i64 %a
  %theta.slope = load double, ptr %a.at
  %b = add i64 %second, %k
  %b.at = getelementptr double, ptr %term_out, i64 %b
  %q.slope = load double, ptr %b.at
  %handed = fmul double %g, %theta.slope
  %with = fadd double %old, %handed
  %new = fadd double %with, %q.slope
  store double %new, ptr %to
  %k.next = add i64 %k, 1
  br label %inputs
finish:
  %j = phi i64 [0, %back], [%j.next, %copy]
  %j.more = icmp slt i64 %j, %dimension
  br i1 %j.more, label %copy, label %good
copy:
  %s.at = getelementptr double, ptr %slopes, i64 %j
  %s = load double, ptr %s.at
  %s.to = getelementptr double, ptr %gradient, i64 %j
  store double %s, ptr %s.to
  %s.size = call double @llvm.fabs.f64(double %s)
  %s.ok = fcmp olt double %s.size, 0x7FF0000000000000
  %j.next = add i64 %j, 1
  br i1 %s.ok, label %finish, label %bad
good:
  ret i64 0
bad:
  ret i64 1
}}

define i64 @same(i64 %size, i64 %count, ptr %y, ptr %out, ptr %data) {{
  %bytes = mul i64 %size, 8
  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %y, i64 %bytes, i1 false)
  ret i64 0
}}
"""

CODE = LOOP + TRANSFORM + DENSITY

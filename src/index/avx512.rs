//! The lanes of a line, tested all at once with AVX-512.

use std::arch::x86_64::{
    __m128i, __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_andnot_si512, _mm512_castps_si512,
    _mm512_cmpeq_epi32_mask, _mm512_cmpgt_epu32_mask, _mm512_cmple_epu32_mask,
    _mm512_cmplt_epu32_mask, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_or_si512,
    _mm512_set1_epi32, _mm512_slli_epi32, _mm512_srli_epi32, _mm512_sub_epi32,
    _mm512_test_epi32_mask, _mm512_xor_si512,
};

use super::line::{CODE_BASE, Met, Wanted};

/// Tests the twelve lanes of a line, given whole and its last sixteen bytes alone; `x6` is the residue of the question, shifted like the starts. What it says of lanes
/// 12 to 15 means nothing.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn meet(word: __m512i, lows: __m128i, x6: u32, wanted: Wanted) -> Met {
    let splat = |n: u32| _mm512_set1_epi32(n.cast_signed());
    let low = _mm512_cvtepu8_epi32(lows);
    let start = _mm512_andnot_si512(splat(63), word);
    let ticks = _mm512_srli_epi32::<6>(_mm512_sub_epi32(splat(x6), start));
    let float = _mm512_cvtepi32_ps(_mm512_add_epi32(ticks, splat(256)));
    let since = _mm512_srli_epi32::<15>(_mm512_castps_si512(float));
    let upper = _mm512_slli_epi32::<6>(_mm512_and_si512(word, splat(0x3C)));
    let length = _mm512_add_epi32(_mm512_or_si512(upper, low), splat(CODE_BASE));
    let differs = _mm512_or_si512(_mm512_xor_si512(word, splat(wanted.own)), splat(wanted.always));
    let fails = _mm512_andnot_si512(_mm512_srli_epi32::<1>(word), differs);
    let serves = !_mm512_test_epi32_mask(fails, splat(wanted.enabled));
    let looks = _mm512_cmpeq_epi32_mask(_mm512_and_si512(word, splat(3)), splat(2));
    let maybe = _mm512_cmple_epu32_mask(since, length) & serves;
    let inside =
        _mm512_cmplt_epu32_mask(since, length) & _mm512_cmpgt_epu32_mask(since, splat(CODE_BASE));
    Met { maybe: u32::from(maybe), surely: u32::from(maybe & inside & !looks) }
}

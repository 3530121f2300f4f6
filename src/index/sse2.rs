//! The lanes of a line, tested with the vectors that every x86-64 has.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_and_si128, _mm_andnot_si128, _mm_castps_si128, _mm_cmpeq_epi32,
    _mm_cmpgt_epi32, _mm_cvtepi32_ps, _mm_movemask_epi8, _mm_or_si128, _mm_packs_epi16,
    _mm_packs_epi32, _mm_set_epi64x, _mm_set1_epi32, _mm_setzero_si128, _mm_slli_epi32,
    _mm_srli_epi32, _mm_sub_epi32, _mm_unpackhi_epi8, _mm_unpackhi_epi16, _mm_unpacklo_epi8,
    _mm_unpacklo_epi16, _mm_xor_si128,
};

use super::line::{CODE_BASE, Met, Wanted};

/// Sixteen bytes as a vector; the compiler makes one load of it.
#[inline]
#[target_feature(enable = "sse2")]
fn vector(bytes: [u8; 16]) -> __m128i {
    let wide = u128::from_le_bytes(bytes);
    let half = |at: u32| super::clock::low(wide >> at).cast_signed();
    _mm_set_epi64x(half(64), half(0))
}

/// Tests the twelve lanes of a line, four at a time; `x6` is the residue of the question, shifted like the starts.
#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn meet(line: &[u8; 64], x6: u32, wanted: Wanted) -> Met {
    let (parts, _) = line.as_chunks::<16>();
    let [a, b, c, lows] = parts else { return Met::default() };
    let zero = _mm_setzero_si128();
    let splat = |n: u32| _mm_set1_epi32(n.cast_signed());
    let lows = vector(*lows);
    let (low, high) = (_mm_unpacklo_epi8(lows, zero), _mm_unpackhi_epi8(lows, zero));
    let lows = [
        _mm_unpacklo_epi16(low, zero),
        _mm_unpackhi_epi16(low, zero),
        _mm_unpacklo_epi16(high, zero),
    ];
    let (x6, base) = (splat(x6), splat(CODE_BASE));
    let (own, always, enabled) = (splat(wanted.own), splat(wanted.always), splat(wanted.enabled));
    let test = |word: [u8; 16], low: __m128i| {
        let word = vector(word);
        let start = _mm_andnot_si128(splat(63), word);
        let ticks = _mm_srli_epi32::<6>(_mm_sub_epi32(x6, start));
        let float = _mm_cvtepi32_ps(_mm_add_epi32(ticks, splat(256)));
        let since = _mm_srli_epi32::<15>(_mm_castps_si128(float));
        let upper = _mm_slli_epi32::<6>(_mm_and_si128(word, splat(0x3C)));
        let length = _mm_add_epi32(_mm_or_si128(upper, low), base);
        let differs = _mm_or_si128(_mm_xor_si128(word, own), always);
        let fails = _mm_and_si128(_mm_andnot_si128(_mm_srli_epi32::<1>(word), differs), enabled);
        let since = _mm_or_si128(since, _mm_slli_epi32::<20>(fails));
        let beyond = _mm_cmpgt_epi32(since, length);
        let inside = _mm_and_si128(_mm_cmpgt_epi32(length, since), _mm_cmpgt_epi32(since, base));
        let class = _mm_and_si128(word, splat(3));
        let inside = _mm_andnot_si128(_mm_cmpeq_epi32(class, splat(2)), inside);
        (beyond, inside)
    };
    let [low_a, low_b, low_c] = lows;
    let (a, b, c) = (test(*a, low_a), test(*b, low_b), test(*c, low_c));
    let bits = |a, b, c| {
        let packed = _mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, zero));
        _mm_movemask_epi8(packed).cast_unsigned()
    };
    Met { maybe: !bits(a.0, b.0, c.0), surely: bits(a.1, b.1, c.1) }
}

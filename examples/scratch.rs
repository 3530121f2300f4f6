#![allow(unsafe_code)]
use portledger::index::*;
use portledger::synth::*;
use std::time::Instant;
fn main() {
    let n: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let kind = std::env::args().nth(2).unwrap();
    let lanes: f64 = std::env::args().nth(3).unwrap().parse().unwrap();
    let config = if kind == "s" { TableConfig::sessions(n) } else { TableConfig::blocks(n) };
    let mut leans = Vec::new();
    AllocationTable::for_each_address(&config, |a| leans.extend(a.iter().map(Lean::from)));
    let mut s = 1u64;
    let mut rnd = move || { s ^= s << 13; s ^= s >> 7; s ^= s << 17; s };
    for i in (1..leans.len()).rev() { let j = (rnd() % (i as u64 + 1)) as usize; leans.swap(i, j); }
    eprintln!("{} records", leans.len());
    let copy = leans.clone();
    let t = Instant::now();
    let index = Fast::build_lean(leans, &BuildOptions { lanes_a_line: lanes }).unwrap();
    let el = t.elapsed();
    let m = copy.len() as f64;
    println!("build {:.1} ns/rec", el.as_nanos() as f64 / m);
    for (name, len) in index.sections() { println!("  {name} {:.3} B/rec", len as f64 / m); }
    println!("  total {:.3}", index.as_bytes().len() as f64 / m);
    let view = index.view();
    let mut qs = Vec::new();
    for _ in 0..(1 << 20) {
        let r = copy[(rnd() % copy.len() as u64) as usize];
        let o = r.outer();
        let len = (o.end().as_microsecond() - o.start().as_microsecond()) as u64 / 1000;
        let at = o.start().as_microsecond() + (rnd() % len.max(1)) as i64 * 1000;
        let p = r.ports();
        let port = p.first() + (rnd() % p.len() as u64) as u16;
        qs.push(Question { addr: r.addr(), port, protocol: Some(portledger::Protocol::new(if r.protocol().is_none() {6} else {r.protocol().unwrap().number()})), at: portledger::Timestamp::from_microsecond(at) });
    }
    let mut hits = Vec::new();
    for round in 0..3 {
        let qs = &qs[round * 300_000..(round + 1) * 300_000];
        hits.clear();
        let t = Instant::now();
        for q in qs { view.at(q.addr, q.port, q.protocol, q.at, &mut hits); unsafe { std::arch::x86_64::_mm_lfence() }; }
        println!("single {:.1} ns  hits {}", t.elapsed().as_nanos() as f64 / qs.len() as f64, hits.len());
        let mut sum = 0u64;
        let t = Instant::now();
        for q in qs { hits.clear(); view.at(q.addr, q.port, q.protocol, q.at, &mut hits); unsafe { std::arch::x86_64::_mm_lfence() }; for h in &hits { let l = view.lean(*h).unwrap(); sum += l.inside().0 as u64 + l.outer().end().as_microsecond() as u64; }  unsafe { std::arch::x86_64::_mm_lfence() }; }
        println!("single+lean {:.1} ns  {sum}", t.elapsed().as_nanos() as f64 / qs.len() as f64);
        let mut b = Hits::default();
        view.at_each(&qs[..65536], &mut b);
        let t = Instant::now();
        let mut h = 0;
        for c in qs.chunks_exact(65536) { view.at_each(c, &mut b); h += b.positions().len(); }
        println!("batch {:.1} ns  {h}", t.elapsed().as_nanos() as f64 / (qs.len() / 65536 * 65536) as f64);
    }
    // limits
    let lines = index.as_bytes().len() / 64;
    let hot = (lines as f64 * index.sections()[0].1 as f64 / index.as_bytes().len() as f64) as usize;
    let mut mem = memmap2::MmapMut::map_anon(hot * 64).unwrap();
    let _ = mem.advise(memmap2::Advice::HugePage);
    for (i, b) in mem.iter_mut().enumerate() { *b = (i as u64).wrapping_mul(0x9E3779B97F4A7C15).to_le_bytes()[7]; }
    for _ in 0..3 {
        let mut x = rnd();
        let t = Instant::now();
        for _ in 0..300_000 {
            let l = ((x as u32 as u64 * hot as u64) >> 32) as usize;
            let v = u64::from_le_bytes(mem[l * 64..l * 64 + 8].try_into().unwrap());
            x = (x ^ v).wrapping_mul(0x9E3779B97F4A7C15) >> 3;
        }
        let chase = t.elapsed().as_nanos() as f64 / 300_000.0;
        let idx: Vec<usize> = (0..65536 * 4).map(|_| ((rnd() as u32 as u64 * hot as u64) >> 32) as usize).collect();
        for d in [16, 32, 64] {
            let t = Instant::now();
            let mut sum = x;
            for i in 0..idx.len() {
                if i + d < idx.len() { unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(mem.as_ptr().add(idx[i + d] * 64).cast()) } }
                sum = sum.wrapping_add(mem[idx[i] * 64] as u64);
            }
            print!("pf{d} {:.1} ", t.elapsed().as_nanos() as f64 / idx.len() as f64);
            std::hint::black_box(sum);
        }
        println!("chase {chase:.1}");
    }
}

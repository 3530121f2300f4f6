//! Records that were written twice.

use super::*;

#[test]
fn a_repeated_create_or_release_makes_no_second_record() {
    let events = [create(1, 100.0), create(1, 100.0), delete(1, 160.0), delete(1, 160.0)];
    let done = assemble(Profile::unknown(), &events);
    one(&done);
    assert_eq!((done.audit.duplicates, done.audit.is_lossy()), (2, false));
}

#[test]
fn a_repeated_release_does_not_end_the_next_tenancy() {
    //   create A1 100   release A1 160   release A1 again   create A2 160, the same microsecond   release A2 170
    let events =
        [create(1, 100.0), delete(1, 160.0), delete(1, 160.0), create(1, 160.0), delete(1, 170.0)];
    let done = assemble(punctual(), &events);
    let found = made(&done);
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].1.outer, range(160.0, 170.000_001));
}

#[test]
fn a_create_repeated_after_its_release_was_read_adds_no_time() {
    let events = [create(1, 100.0), delete(1, 160.0), noise(200.0), create(1, 100.0)];
    let done = assemble(Profile::unknown(), &events);
    let whole = range(99.0, 160.000_001);
    assert!(made(&done).iter().all(|(host, a)| *host == 1 && whole.covers(a.outer)));
    assert_eq!((done.audit.stale, done.audit.is_lossy()), (1, false));
}

//! One answer for a person.

use std::io::{self, Write};

use portledger::resolver::{Answer, Candidate, Evidence, Margin};

use super::raw;

pub(crate) fn write(w: &mut impl Write, answer: &Answer, with_raw: bool) -> io::Result<()> {
    match &answer.subscriber {
        Some(subscriber) => writeln!(w, "{}  {subscriber}", answer.verdict)?,
        None => writeln!(w, "{}", answer.verdict)?,
    }
    writeln!(w, "  why        {}", answer.detail)?;
    writeln!(w, "  asked      {}", asked(answer))?;
    if answer.verdict.name() == "unique" {
        writeln!(
            w,
            "  valid      if the clock is right within the tolerance; {}",
            answer.caution.unwrap_or_default()
        )?;
    }
    writeln!(w, "  margin     {}", margins(answer))?;
    if answer.fragile {
        writeln!(
            w,
            "  fragile    a clock that is off by less than a second could change the answer"
        )?;
    }
    for candidate in &answer.candidates {
        write_candidate(w, candidate)?;
    }
    if answer.candidate_count > 1 {
        writeln!(w, "  {} different candidates", answer.candidate_count)?;
    }
    writeln!(w, "  ledger     state {}", answer.ledger_state)?;
    if with_raw {
        for record in raw::of(answer) {
            writeln!(w, "  {record}")?;
        }
    }
    Ok(())
}

fn asked(answer: &Answer) -> String {
    let q = &answer.inquiry;
    let port = q.port.map_or_else(|| " (no port)".to_owned(), |p| format!(":{p}"));
    let protocol = q.protocol.map_or_else(|| "any protocol".to_owned(), |p| p.to_string());
    let to: Vec<String> = q.to.iter().map(ToString::to_string).collect();
    let to = if to.is_empty() { String::new() } else { format!(" to {}", to.join(" or ")) };
    format!("{}{port} {protocol}{to} in {}", q.public_ip, q.window)
}

fn margins(answer: &Answer) -> String {
    let m = &answer.margins;
    let side = |m: Option<Margin>| m.map_or("no change known".to_owned(), |m| format!("{m} s"));
    let other = |m: Option<Margin>| m.map_or("nobody known".to_owned(), |m| format!("{m} s"));
    format!(
        "earlier {}, later {}; to somebody else: earlier {}, later {}",
        side(m.earlier),
        side(m.later),
        other(m.other_earlier),
        other(m.other_later)
    )
}

fn write_candidate(w: &mut impl Write, c: &Candidate) -> io::Result<()> {
    writeln!(w, "  candidate  {}  as {}, {}", c.name, c.inside, c.basis)?;
    let protocol = c.protocol.map(|p| format!(" {p}")).unwrap_or_default();
    let to = c.destination.map(|d| format!(" to {d}")).unwrap_or_default();
    writeln!(w, "    ports    {}{protocol}{to}", c.ports)?;
    writeln!(
        w,
        "    held     {} at most, {} certainly",
        c.outer,
        c.inner.as_deref().unwrap_or("no time")
    )?;
    if let (Some(began), Some(ended)) = (c.began, c.ended) {
        writeln!(w, "    begin    {began}; end {ended}")?;
    }
    match &c.evidence {
        Evidence::Records { source, records, profile, .. } => {
            for r in records {
                writeln!(
                    w,
                    "    evidence {} in {source}: {} bytes {}+{}, sha256 {}",
                    r.role, r.path, r.offset, r.length, r.sha256
                )?;
            }
            writeln!(w, "    profile  {profile}")?;
        }
        Evidence::Rule { rule, version, file_version, path, sha256, psid } => {
            let own = file_version.as_ref();
            let own = own.map(|v| format!(" (in its file: {v})")).unwrap_or_default();
            let psid = psid.map(|p| format!(", PSID {p}")).unwrap_or_default();
            writeln!(
                w,
                "    evidence rule {rule} version {version}{own}{psid} in {path}, sha256 {sha256}"
            )?;
        }
    }
    for b in &c.bindings {
        writeln!(
            w,
            "    bound    {} {} at most, {} certainly; begin {}, end {}",
            b.key,
            b.outer,
            b.inner.as_deref().unwrap_or("no time"),
            b.began,
            b.ended
        )?;
        for r in &b.records {
            writeln!(
                w,
                "    evidence {}: {} bytes {}+{}, sha256 {}",
                r.role, r.path, r.offset, r.length, r.sha256
            )?;
        }
    }
    for note in &c.notes {
        writeln!(w, "    note     {note}")?;
    }
    Ok(())
}

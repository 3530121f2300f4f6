//! `portledger pools`.

use std::io::Write;
use std::process::ExitCode;

use ipnet::Ipv4Net;
use portledger::store::{Ledger, Pool};

use super::{in_force, said};
use crate::args::PoolAdd;
use crate::{Outcome, fail};

pub(crate) fn add(args: &PoolAdd, report: &mut dyn Write) -> Outcome {
    let single = || args.prefix.parse().ok().map(|addr: std::net::Ipv4Addr| Ipv4Net::from(addr));
    let prefix = args.prefix.parse::<Ipv4Net>().ok().or_else(single).ok_or_else(|| {
        fail(format!(
            "`{}` is not an IPv4 prefix: write 203.0.113.0/24, or one address",
            args.prefix
        ))
    })?;
    let pool = Pool {
        prefix: prefix.trunc(),
        ports: args.ports,
        device: args.device.clone(),
        in_force: in_force(args.from.as_deref(), args.until.as_deref())?,
        exclusive: args.exclusive,
    };
    let added = Ledger::create(&args.ledger.ledger)?.add_pool(pool)?;
    let text = if added { "pool added" } else { "that pool was declared before: nothing to do" };
    said(writeln!(report, "{text}"))?;
    Ok(ExitCode::SUCCESS)
}

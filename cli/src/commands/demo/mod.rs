//! `portledger demo`.
use crate::{Outcome, fail};
use crate::args::Demo;
pub(crate) fn run(args: &Demo) -> Outcome { Err(fail(format!("{:?}", args))) }

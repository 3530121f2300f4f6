//! What must be true of answers: every verdict and every reason, in the order in which they are decided.

mod common;

#[path = "truth/coverage.rs"]
mod coverage;
#[path = "truth/damage.rs"]
mod damage;
#[path = "truth/identity.rs"]
mod identity;
#[path = "truth/keys.rs"]
mod keys;
#[path = "truth/order.rs"]
mod order;
#[path = "truth/question.rs"]
mod question;
#[path = "truth/rule_changes.rs"]
mod rule_changes;
#[path = "truth/rules.rs"]
mod rules;
#[path = "truth/succession.rs"]
mod succession;

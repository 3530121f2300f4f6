//! Floor 6: what complaints look like -> [`Inquiry`](crate::resolver::Inquiry).

mod csv;

pub use csv::{CsvInquiries, InquiryDefaults, InquiryError, InquiryRow};

//! The family `archive` of the toolbox: files packed into one, and made smaller.

mod compression;
mod packer;
mod tar;
mod unzip;
mod zip;

use std::ffi::OsString;

use stepbox_tool::Tool;

/// The command of that name, if it is one of ours.
pub fn find_tool(name: &str, _: &[OsString]) -> Option<Tool> {
    Some(match name {
        "bunzip2" | "bzcat" | "bzip2" | "gunzip" | "gzip" | "unxz" | "unzstd" | "xz" | "xzcat" | "zcat" | "zstd"
        | "zstdcat" => packer::pack,
        "tar" => tar::tar,
        "unzip" => unzip::unzip,
        "zip" => zip::zip,
        _ => return None,
    })
}

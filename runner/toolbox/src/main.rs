//! The `core` family of the toolbox: one program that is every one of its commands, chosen by its exact name.

mod abi;
mod commands;
mod tools;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::Path;

fn main() {
    stepbox_guest::enter();
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let name =
        arguments.first().and_then(|path| Path::new(path).file_name()).map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    // Never by a suffix or an abbreviation: a command that is missing must not become another one.
    if !commands::COMMANDS.iter().any(|(known, _, _)| *known == name) {
        eprintln!("{name}: not a command of this toolbox");
        stepbox_guest::exit(127);
    }
    // The commands name themselves in their messages as they were called, without the directory.
    arguments[0] = OsString::from(&name);
    if let Some(tool) = ours(&name, &arguments) {
        stepbox_guest::exit(run(tool, &arguments));
    }
    let locale = match name.as_str() {
        "[" => "test",
        "dir" | "vdir" => "ls",
        other => other,
    };
    // Without texts the command falls back to their keys; it works all the same.
    let _ = uucore::locale::setup_localization(locale);
    stepbox_guest::exit(run_uutils(&name, arguments));
}

/// The code of ours that answers a call.
fn ours(name: &str, arguments: &[OsString]) -> Option<tools::Tool> {
    if name == "ls" && tools::long_listing(arguments) { Some(tools::list) } else { tools::find_tool(name) }
}

/// Runs a command of ours.
fn run(tool: tools::Tool, arguments: &[OsString]) -> i32 {
    let mut output = BufWriter::with_capacity(32 << 10, io::stdout().lock());
    let mut streams =
        tools::Streams { input: &mut io::stdin().lock(), output: &mut output, errors: &mut io::stderr().lock() };
    let status = tool(arguments, &mut streams);
    match status.and_then(|status| output.flush().map(|()| status)) {
        Ok(status) => status,
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 141,
        Err(error) => {
            eprintln!("{}: write error: {}", arguments[0].to_string_lossy(), tools::describe(&error));
            2
        }
    }
}

/// Runs a command of uutils coreutils.
fn run_uutils(name: &str, arguments: Vec<OsString>) -> i32 {
    let arguments = arguments.into_iter();
    match name {
        "[" => uu_test::uumain(arguments),
        "b2sum" => uu_b2sum::uumain(arguments),
        "base32" => uu_base32::uumain(arguments),
        "base64" => uu_base64::uumain(arguments),
        "basename" => uu_basename::uumain(arguments),
        "basenc" => uu_basenc::uumain(arguments),
        "cat" => uu_cat::uumain(arguments),
        "cksum" => uu_cksum::uumain(arguments),
        "comm" => uu_comm::uumain(arguments),
        "cp" => uu_cp::uumain(arguments),
        "csplit" => uu_csplit::uumain(arguments),
        "cut" => uu_cut::uumain(arguments),
        "date" => uu_date::uumain(arguments),
        "dir" => uu_dir::uumain(arguments),
        "dircolors" => uu_dircolors::uumain(arguments),
        "dirname" => uu_dirname::uumain(arguments),
        "echo" => uu_echo::uumain(arguments),
        "expand" => uu_expand::uumain(arguments),
        "expr" => uu_expr::uumain(arguments),
        "factor" => uu_factor::uumain(arguments),
        "false" => uu_false::uumain(arguments),
        "fmt" => uu_fmt::uumain(arguments),
        "fold" => uu_fold::uumain(arguments),
        "head" => uu_head::uumain(arguments),
        "join" => uu_join::uumain(arguments),
        "link" => uu_link::uumain(arguments),
        "ln" => uu_ln::uumain(arguments),
        "ls" => uu_ls::uumain(arguments),
        "md5sum" => uu_md5sum::uumain(arguments),
        "mkdir" => uu_mkdir::uumain(arguments),
        "mktemp" => uu_mktemp::uumain(arguments),
        "mv" => uu_mv::uumain(arguments),
        "nl" => uu_nl::uumain(arguments),
        "nproc" => uu_nproc::uumain(arguments),
        "numfmt" => uu_numfmt::uumain(arguments),
        "od" => uu_od::uumain(arguments),
        "paste" => uu_paste::uumain(arguments),
        "pathchk" => uu_pathchk::uumain(arguments),
        "printenv" => uu_printenv::uumain(arguments),
        "printf" => uu_printf::uumain(arguments),
        "ptx" => uu_ptx::uumain(arguments),
        "pwd" => uu_pwd::uumain(arguments),
        "readlink" => uu_readlink::uumain(arguments),
        "realpath" => uu_realpath::uumain(arguments),
        "rm" => uu_rm::uumain(arguments),
        "rmdir" => uu_rmdir::uumain(arguments),
        "seq" => uu_seq::uumain(arguments),
        "sed" => sed::sed::uumain(arguments),
        "sha1sum" => uu_sha1sum::uumain(arguments),
        "sha224sum" => uu_sha224sum::uumain(arguments),
        "sha256sum" => uu_sha256sum::uumain(arguments),
        "sha384sum" => uu_sha384sum::uumain(arguments),
        "sha512sum" => uu_sha512sum::uumain(arguments),
        "shred" => uu_shred::uumain(arguments),
        "shuf" => uu_shuf::uumain(arguments),
        "sleep" => uu_sleep::uumain(arguments),
        "sort" => uu_sort::uumain(arguments),
        "split" => uu_split::uumain(arguments),
        "sum" => uu_sum::uumain(arguments),
        "tac" => uu_tac::uumain(arguments),
        "tail" => uu_tail::uumain(arguments),
        "tee" => uu_tee::uumain(arguments),
        "test" => uu_test::uumain(arguments),
        "touch" => uu_touch::uumain(arguments),
        "tr" => uu_tr::uumain(arguments),
        "true" => uu_true::uumain(arguments),
        "truncate" => uu_truncate::uumain(arguments),
        "tsort" => uu_tsort::uumain(arguments),
        "uname" => uu_uname::uumain(arguments),
        "unexpand" => uu_unexpand::uumain(arguments),
        "uniq" => uu_uniq::uumain(arguments),
        "unlink" => uu_unlink::uumain(arguments),
        "vdir" => uu_vdir::uumain(arguments),
        "wc" => uu_wc::uumain(arguments),
        "yes" => uu_yes::uumain(arguments),
        _ => 127,
    }
}

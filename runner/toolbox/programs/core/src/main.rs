//! The family `core`: commands of uutils coreutils, and ours where it has none or ours start faster.

use std::ffi::OsString;

fn main() {
    stepbox_tool::main("core", stepbox_core::find_tool, uutils)
}

/// Runs a command of uutils coreutils.
fn uutils(name: &str, arguments: Vec<OsString>) -> i32 {
    let locale = match name {
        "dir" | "vdir" => "ls",
        other => other,
    };
    // Without texts the command falls back to their keys; it works all the same.
    let _ = uucore::locale::setup_localization(locale);
    let arguments = arguments.into_iter();
    match name {
        "b2sum" => uu_b2sum::uumain(arguments),
        "base32" => uu_base32::uumain(arguments),
        "base64" => uu_base64::uumain(arguments),
        "basenc" => uu_basenc::uumain(arguments),
        "cksum" => uu_cksum::uumain(arguments),
        "comm" => uu_comm::uumain(arguments),
        "cp" => uu_cp::uumain(arguments),
        "csplit" => uu_csplit::uumain(arguments),
        "cut" => uu_cut::uumain(arguments),
        "date" => uu_date::uumain(arguments),
        "dir" => uu_dir::uumain(arguments),
        "dircolors" => uu_dircolors::uumain(arguments),
        "expand" => uu_expand::uumain(arguments),
        "expr" => uu_expr::uumain(arguments),
        "factor" => uu_factor::uumain(arguments),
        "fmt" => uu_fmt::uumain(arguments),
        "fold" => uu_fold::uumain(arguments),
        "head" => uu_head::uumain(arguments),
        "join" => uu_join::uumain(arguments),
        "link" => uu_link::uumain(arguments),
        "ln" => uu_ln::uumain(arguments),
        "ls" => uu_ls::uumain(arguments),
        "md5sum" => uu_md5sum::uumain(arguments),
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
        "readlink" => uu_readlink::uumain(arguments),
        "realpath" => uu_realpath::uumain(arguments),
        "rm" => uu_rm::uumain(arguments),
        "rmdir" => uu_rmdir::uumain(arguments),
        "seq" => uu_seq::uumain(arguments),
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
        "tail" => uu_tail::uumain(arguments),
        "tee" => uu_tee::uumain(arguments),
        "touch" => uu_touch::uumain(arguments),
        "tr" => uu_tr::uumain(arguments),
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

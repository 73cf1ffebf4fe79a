//! What bash's `shopt` switches.

/// Defines the switches: their names and whether they are on in a script of bash.
macro_rules! switches {
    ($($variant:ident $name:literal $on:literal;)*) => {
        /// A switch of `shopt`.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum Switch {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
        }

        /// Every switch with its name, by name, and whether it is on at first.
        pub(crate) const SWITCHES: &[(Switch, &str, bool)] = &[$((Switch::$variant, $name, $on),)*];
    };
}

switches! {
    Autocd "autocd" false;
    AssocExpandOnce "assoc_expand_once" false;
    CdableVars "cdable_vars" false;
    Cdspell "cdspell" false;
    Checkhash "checkhash" false;
    Checkjobs "checkjobs" false;
    Checkwinsize "checkwinsize" true;
    Cmdhist "cmdhist" true;
    Compat31 "compat31" false;
    Compat32 "compat32" false;
    Compat40 "compat40" false;
    Compat41 "compat41" false;
    Compat42 "compat42" false;
    Compat43 "compat43" false;
    Compat44 "compat44" false;
    CompleteFullquote "complete_fullquote" true;
    Direxpand "direxpand" false;
    Dirspell "dirspell" false;
    Dotglob "dotglob" false;
    Execfail "execfail" false;
    ExpandAliases "expand_aliases" false;
    Extdebug "extdebug" false;
    Extglob "extglob" false;
    Extquote "extquote" true;
    Failglob "failglob" false;
    ForceFignore "force_fignore" true;
    Globasciiranges "globasciiranges" true;
    Globskipdots "globskipdots" true;
    Globstar "globstar" false;
    GnuErrfmt "gnu_errfmt" false;
    Histappend "histappend" false;
    Histreedit "histreedit" false;
    Histverify "histverify" false;
    Hostcomplete "hostcomplete" true;
    Huponexit "huponexit" false;
    InheritErrexit "inherit_errexit" false;
    InteractiveComments "interactive_comments" true;
    Lastpipe "lastpipe" false;
    Lithist "lithist" false;
    LocalvarInherit "localvar_inherit" false;
    LocalvarUnset "localvar_unset" false;
    LoginShell "login_shell" false;
    Mailwarn "mailwarn" false;
    NoEmptyCmdCompletion "no_empty_cmd_completion" false;
    Nocaseglob "nocaseglob" false;
    Nocasematch "nocasematch" false;
    NoexpandTranslation "noexpand_translation" false;
    Nullglob "nullglob" false;
    PatsubReplacement "patsub_replacement" true;
    Progcomp "progcomp" true;
    ProgcompAlias "progcomp_alias" false;
    Promptvars "promptvars" true;
    RestrictedShell "restricted_shell" false;
    ShiftVerbose "shift_verbose" false;
    Sourcepath "sourcepath" true;
    VarredirClose "varredir_close" false;
    XpgEcho "xpg_echo" false;
}

/// Which switches are on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Switches(u64);

impl Default for Switches {
    fn default() -> Self {
        let on = SWITCHES.iter().filter(|(_, _, on)| *on);
        Self(on.fold(0, |bits, (switch, _, _)| bits | bit(*switch)))
    }
}

impl Switches {
    pub(crate) fn is_on(self, switch: Switch) -> bool {
        self.0 & bit(switch) != 0
    }

    pub(crate) fn set(&mut self, switch: Switch, on: bool) {
        if on {
            self.0 |= bit(switch);
        } else {
            self.0 &= !bit(switch);
        }
    }
}

/// The switch of a name.
pub(crate) fn switch(name: &[u8]) -> Option<Switch> {
    SWITCHES.iter().find(|(_, known, _)| known.as_bytes() == name).map(|(switch, _, _)| *switch)
}

fn bit(switch: Switch) -> u64 {
    1 << (switch as u64)
}

//! `nohup COMMAND [ARG]…`: nothing here sends a hang-up, so the command is simply started.

use stepbox_system::ExitStatus;

use super::Invocation;

pub(super) fn run(invocation: Invocation<'_>) -> ExitStatus {
    let arguments = invocation.arguments();
    if arguments.is_empty() {
        return invocation.fail(125, "missing operand");
    }
    invocation.start(arguments)
}

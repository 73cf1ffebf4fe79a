//! The family `data`.

fn main() {
    stepbox_tool::main("data", stepbox_data::find_tool, |_, _| 127)
}

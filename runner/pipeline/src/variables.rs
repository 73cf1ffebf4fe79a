//! Variables and what takes precedence (section 3.4 of the specification).

use std::collections::BTreeMap;

use crate::schema::nearest;

/// Where a value comes from; later ones win over earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Set by Stepbox: `CF_…` and `CI` (rule V16).
    System,
    /// Of the pipeline.
    Pipeline,
    /// Of the trigger that the build is said to have (`--trigger`).
    Trigger,
    /// Given for this build (`-v`).
    Build,
    /// Exported by an earlier step (rule V17).
    Exported,
    /// Of the `environment` of the running step (rule F13).
    Step,
}

const LAYERS: usize = 6;

/// The variables that a step sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    layers: [BTreeMap<String, String>; LAYERS],
}

impl Variables {
    /// No variables.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable in a layer. Values may be empty (rule V18).
    pub fn set(&mut self, layer: Layer, name: impl Into<String>, value: impl Into<String>) {
        self.layers[layer as usize].insert(name.into(), value.into());
    }

    /// Sets many variables in a layer; of equal names the last wins.
    pub fn extend<N: Into<String>, V: Into<String>>(&mut self, layer: Layer, pairs: impl IntoIterator<Item = (N, V)>) {
        for (name, value) in pairs {
            self.set(layer, name, value);
        }
    }

    /// Forgets a layer, such as that of a step that is over.
    pub fn clear(&mut self, layer: Layer) {
        self.layers[layer as usize].clear();
    }

    /// The value of a name in the highest layer that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.layers.iter().rev().find_map(|layer| layer.get(name)).map(String::as_str)
    }

    /// The value of a name and its layer.
    #[must_use]
    pub fn layer_of(&self, name: &str) -> Option<Layer> {
        let all = [Layer::Step, Layer::Exported, Layer::Build, Layer::Trigger, Layer::Pipeline, Layer::System];
        all.into_iter().find(|layer| self.layers[*layer as usize].contains_key(name))
    }

    /// The name of a variable that somebody may have meant by another name.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let names: Vec<&str> = self.layers.iter().flat_map(BTreeMap::keys).map(String::as_str).collect();
        nearest(name, &names)
    }

    /// Every name with the value that counts, sorted by name.
    #[must_use]
    pub fn effective(&self) -> BTreeMap<&str, &str> {
        self.layers.iter().flatten().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Layer; LAYERS] =
        [Layer::System, Layer::Pipeline, Layer::Trigger, Layer::Build, Layer::Exported, Layer::Step];

    #[test]
    fn f13_step_over_exported_over_build_over_trigger_over_pipeline_over_system() {
        let mut variables = Variables::new();
        for layer in ALL {
            variables.set(layer, "NAME", format!("{layer:?}"));
            assert_eq!(variables.get("NAME"), Some(format!("{layer:?}").as_str()));
            assert_eq!(variables.layer_of("NAME"), Some(layer));
        }
        variables.clear(Layer::Step);
        assert_eq!(variables.effective().get("NAME"), Some(&"Exported"));
    }

    #[test]
    fn v17_an_export_overrides_what_was_given_for_the_build() {
        let mut variables = Variables::new();
        variables.set(Layer::Exported, "A", "exported");
        variables.set(Layer::Build, "A", "build");
        assert_eq!(variables.get("A"), Some("exported"));
    }

    #[test]
    fn v18_an_empty_value_is_a_value() {
        let mut variables = Variables::new();
        variables.set(Layer::Pipeline, "A", "something");
        variables.set(Layer::Build, "A", "");
        assert_eq!(variables.get("A"), Some(""));
        assert_eq!(variables.get("B"), None);
    }
}

//! x
/// What a generator is trained to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum GanLoss {
    /// To have its samples taken for real: `−ln D(G(z))`.
    #[default]
    NonSaturating,
    /// To have them not taken for made: `ln(1 − D(G(z)))`.
    Minimax,
}

//! The contenders that the libraries enter, and the cells in which they meet.

use crate::memory::Scalar;
use crate::problems::Routine;
use abi::{Entry, Fill, Prepare, Run, Sink};
use anyhow::{Context, Result, bail};
use core::ffi::{CStr, c_char, c_void};
use libloading::Library;
use std::collections::BTreeSet;
use std::path::Path;

/// A routine for one scalar and one shape.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// What is computed.
    pub routine: Routine,
    /// In which type.
    pub scalar: Scalar,
    /// Rows, or values that go in.
    pub rows: usize,
    /// Columns, or values that come out.
    pub cols: usize,
    /// Number of triplets or of vectors in a batch, or 0.
    pub rank: usize,
}

impl Cell {
    /// The shape as it stands in a table.
    pub fn shape(&self) -> String {
        format!("{}×{}", self.rows, self.cols)
    }

    /// Whether every word is one of this cell's: of the routine, the scalar, the shape or, for
    /// square ones, the size.
    pub fn matches(&self, filter: &[String]) -> bool {
        let mut words: Vec<String> =
            self.routine.name().split_whitespace().map(String::from).collect();
        words.extend([self.scalar.name().into(), format!("{}x{}", self.rows, self.cols)]);
        if self.rows == self.cols {
            words.push(self.rows.to_string());
        }
        filter.iter().all(|word| words.contains(word))
    }
}

/// Somebody who solves the problems of a cell.
#[derive(Debug)]
pub struct Contender {
    /// Library and algorithm.
    pub name: String,
    cell: Cell,
    /// As in [`abi::Entry`].
    pub flags: u32,
    prepare: Prepare,
    run: Run,
}

/// A contender ready to solve, with its state.
#[derive(Clone, Copy, Debug)]
pub struct Ready<'a> {
    contender: &'a Contender,
    state: *mut c_void,
}

impl Contender {
    /// In which type it computes.
    pub const fn scalar(&self) -> Scalar {
        self.cell.scalar
    }

    /// With a fresh state for the problems that share `model`.
    ///
    /// # Safety
    /// `model` points at the model that belongs to the contender's routine.
    pub unsafe fn ready(&self, model: *const c_void) -> Ready<'_> {
        // SAFETY: promised by the caller.
        Ready { contender: self, state: unsafe { (self.prepare)(model) } }
    }
}

impl Ready<'_> {
    /// Solves `count` problems; returns how many were not solved.
    ///
    /// # Safety
    /// There are as many inputs and outputs, of the routine's type and shape.
    pub unsafe fn run(&self, inputs: *const c_void, outputs: *mut c_void, count: usize) -> usize {
        // SAFETY: promised by the caller.
        unsafe { (self.contender.run)(self.state, inputs, outputs, count) }
    }
}

/// All contenders of all libraries.
#[derive(Default)]
pub struct Table {
    entered: Vec<Contender>,
    /// Who is missing, and why.
    pub absent: Vec<(String, String)>,
    /// Who takes part in which version.
    pub versions: Vec<(String, String)>,
    /// What a library did wrong in registering.
    errors: Vec<String>,
}

impl Table {
    /// Lets a library enter its contenders.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        // SAFETY: the libraries are ours and those that they are linked with.
        let library = unsafe { Library::new(path) }?;
        // SAFETY: `FILL` names a function of this type in each of our libraries.
        let fill = *unsafe { library.get::<Fill>(abi::FILL.as_bytes()) }?;
        let sink = Sink { table: core::ptr::from_mut(self).cast(), register, absent, version };
        // SAFETY: the callbacks below take the table that is handed to them.
        unsafe { fill(&raw const sink) };
        // Its functions are called until the process ends.
        core::mem::forget(library);
        match self.errors.pop() {
            Some(error) => bail!(error),
            None => Ok(()),
        }
    }

    /// Where eigenmote takes part, by routine, scalar and shape.
    pub fn cells(&self) -> BTreeSet<Cell> {
        let ours = |c: &&Contender| c.name.starts_with("eigenmote");
        self.entered.iter().filter(ours).map(|c| c.cell.clone()).collect()
    }

    /// Who takes part in a cell.
    pub fn contenders(&self, cell: &Cell) -> Vec<&Contender> {
        self.entered.iter().filter(|c| c.cell == *cell).collect()
    }

    fn enter(&mut self, entry: &Entry) -> Result<()> {
        let routine = read(entry.routine);
        let cell = Cell {
            routine: Routine::from_name(&routine)
                .with_context(|| format!("unknown routine {routine}"))?,
            scalar: match read(entry.scalar).as_str() {
                "f32" => Scalar::F32,
                "f64" => Scalar::F64,
                other => bail!("unknown scalar {other}"),
            },
            rows: entry.rows,
            cols: entry.cols,
            rank: entry.rank,
        };
        self.entered.push(Contender {
            name: read(entry.contender),
            cell,
            flags: entry.flags,
            prepare: entry.prepare,
            run: entry.run,
        });
        Ok(())
    }
}

fn read(text: *const c_char) -> String {
    // SAFETY: the libraries pass strings that end with a zero byte and live during the call.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn table<'a>(table: *mut c_void) -> &'a mut Table {
    // SAFETY: the libraries hand back what `load` gave them, during the call of `fill`.
    unsafe { &mut *table.cast() }
}

unsafe extern "C" fn register(to: *mut c_void, entry: *const Entry) {
    // SAFETY: the libraries pass an entry that lives during the call.
    let entry = unsafe { &*entry };
    if let Err(error) = table(to).enter(entry) {
        table(to).errors.push(format!("{}: {error}", read(entry.contender)));
    }
}

unsafe extern "C" fn absent(to: *mut c_void, who: *const c_char, why: *const c_char) {
    table(to).absent.push((read(who), read(why)));
}

unsafe extern "C" fn version(to: *mut c_void, who: *const c_char, what: *const c_char) {
    table(to).versions.push((read(who), read(what)));
}

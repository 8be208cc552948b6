//! Checkpoints of `PyTorch`: a pickle that names tensors, and their bytes behind it or in a zip archive.
//!
//! Of the pickle machine only what such files use is here, and nothing is ever run: unknown classes
//! become empty values.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};

use super::{Tensor, values};

/// Most values of a file: more would only be damage.
const MOST: usize = 1 << 28;

#[derive(Clone, Debug)]
enum Value {
    Nothing,
    Int(i64),
    Text(String),
    Tuple(Vec<Value>),
    List(Rc<RefCell<Vec<Value>>>),
    Dict(Rc<RefCell<Vec<(Value, Value)>>>),
    Global(String),
    Storage { kind: String, key: String },
    Tensor(Box<View>),
    Mark,
}

/// A tensor as a view of a storage.
#[derive(Clone, Debug)]
struct View {
    kind: String,
    key: String,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// All tensors of a checkpoint.
pub(super) fn tensors(bytes: &[u8]) -> Result<Vec<Tensor>> {
    if bytes.starts_with(b"PK") {
        return zipped(bytes);
    }
    // Before there were archives: magic number, version, system, the object, keys, storages.
    let mut pickle = Machine { rest: bytes };
    let magic = pickle.run()?;
    let known = matches!(&magic, Value::Text(text) if text == "1950a86a20f9469cfc6c");
    ensure!(known, "a pickle, but not a checkpoint of PyTorch");
    pickle.run()?;
    pickle.run()?;
    let object = pickle.run()?;
    let Value::List(keys) = pickle.run()? else { bail!("the list of storages is missing") };
    let mut views = Vec::new();
    collect(&object, "", &mut views);
    let mut storages = HashMap::new();
    let mut rest = pickle.rest;
    for key in keys.borrow().iter() {
        let Value::Text(key) = key else { bail!("a storage has no name") };
        let kind = views.iter().find(|(_, view)| view.key == *key).map(|(_, view)| &view.kind);
        let kind = kind.with_context(|| format!("storage {key} belongs to no tensor"))?;
        let (count, tail) = rest.split_first_chunk::<8>().context("the file ends early")?;
        let count = usize::try_from(u64::from_le_bytes(*count))?;
        ensure!(count < MOST, "storage {key} has {count} values");
        let (own, tail) =
            tail.split_at_checked(count * size(kind)?).context("the file ends early")?;
        storages.insert(key.clone(), own.to_vec());
        rest = tail;
    }
    views.into_iter().map(|(name, view)| resolve(name, &view, &storages)).collect()
}

fn zipped(bytes: &[u8]) -> Result<Vec<Tensor>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).context("not a whole archive")?;
    let name = {
        let mut names = archive.file_names().filter_map(Result::ok);
        names.find(|name| name.ends_with("data.pkl")).map(std::borrow::Cow::into_owned)
    };
    let name = name.context("an archive, but not a checkpoint of PyTorch: no data.pkl")?;
    let folder = name.trim_end_matches("data.pkl").to_owned();
    let mut read = |name: &str| -> Result<Vec<u8>> {
        let mut out = Vec::new();
        archive.by_name(name).with_context(|| name.to_owned())?.read_to_end(&mut out)?;
        Ok(out)
    };
    let object = Machine { rest: &read(&name)? }.run()?;
    let mut views = Vec::new();
    collect(&object, "", &mut views);
    let mut storages = HashMap::new();
    for (_, view) in &views {
        if !storages.contains_key(&view.key) {
            storages.insert(view.key.clone(), read(&format!("{folder}data/{}", view.key))?);
        }
    }
    views.into_iter().map(|(name, view)| resolve(name, &view, &storages)).collect()
}

/// The tensors in dictionaries of any depth; a level such as `state_dict` is not part of names.
fn collect(value: &Value, name: &str, views: &mut Vec<(String, View)>) {
    match value {
        Value::Tensor(view) => views.push((name.to_owned(), (**view).clone())),
        Value::Dict(entries) => {
            for (key, value) in entries.borrow().iter() {
                let Value::Text(key) = key else { continue };
                let inner = match (key.as_str(), value) {
                    ("state_dict" | "model_state_dict" | "model", Value::Dict(_)) => {
                        name.to_owned()
                    }
                    _ if name.is_empty() => key.clone(),
                    _ => format!("{name}.{key}"),
                };
                collect(value, &inner, views);
            }
        }
        _ => {}
    }
}

fn size(kind: &str) -> Result<usize> {
    Ok(match kind {
        "DoubleStorage" | "LongStorage" => 8,
        "FloatStorage" | "IntStorage" => 4,
        "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
        "ByteStorage" | "CharStorage" | "BoolStorage" => 1,
        other => bail!("values of type {other} are not supported"),
    })
}

fn resolve(name: String, view: &View, storages: &HashMap<String, Vec<u8>>) -> Result<Tensor> {
    let bytes = storages.get(&view.key).with_context(|| format!("\"{name}\" has no values"))?;
    let all = match view.kind.as_str() {
        "FloatStorage" => values(bytes, f32::from_le_bytes),
        "DoubleStorage" => values(bytes, |b| f64::from_le_bytes(b) as f32),
        "HalfStorage" => values(bytes, |b| half(u16::from_le_bytes(b))),
        "BFloat16Storage" => {
            values(bytes, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))
        }
        "LongStorage" => values(bytes, |b| i64::from_le_bytes(b) as f32),
        other => bail!("\"{name}\" has values of type {other}, which is not supported"),
    };
    let count = view.shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).unwrap_or(MOST);
    ensure!(count < MOST, "\"{name}\" has the shape {:?}", view.shape);
    ensure!(view.strides.len() == view.shape.len(), "\"{name}\" has steps of another shape");
    let mut data = Vec::with_capacity(count);
    for index in 0..count {
        let (mut rest, mut at) = (index, view.offset);
        for (&dim, &stride) in view.shape.iter().zip(&view.strides).rev() {
            at += rest % dim * stride;
            rest /= dim;
        }
        data.push(*all.get(at).with_context(|| format!("\"{name}\" goes beyond its values"))?);
    }
    Ok(Tensor { name, shape: view.shape.clone(), data })
}

/// A float of 16 bits.
pub(super) fn half(bits: u16) -> f32 {
    let (sign, exponent) = (f32::from(1 - 2 * (bits >> 15).cast_signed()), bits >> 10 & 31);
    let fraction = f32::from(bits & 1023);
    sign * match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        e => (1024.0 + fraction) * 2.0_f32.powi(i32::from(e) - 25),
    }
}

/// The part of the pickle machine that checkpoints use.
struct Machine<'a> {
    rest: &'a [u8],
}

impl Machine<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (own, rest) = self.rest.split_first_chunk().context("the pickle ends early")?;
        self.rest = rest;
        Ok(*own)
    }

    fn text(&mut self, length: usize) -> Result<String> {
        let (own, rest) = self.rest.split_at_checked(length).context("the pickle ends early")?;
        self.rest = rest;
        Ok(String::from_utf8_lossy(own).into_owned())
    }

    fn line(&mut self) -> Result<String> {
        let end = self.rest.iter().position(|&b| b == b'\n').context("the pickle ends early")?;
        let line = self.text(end)?;
        self.take::<1>()?;
        Ok(line)
    }

    /// Runs to the end of one pickle.
    fn run(&mut self) -> Result<Value> {
        let mut stack: Vec<Value> = Vec::new();
        let mut memo: HashMap<u32, Value> = HashMap::new();
        let empty = "the pickle takes more than it has";
        loop {
            let [code] = self.take()?;
            match code {
                0x80 => drop(self.take::<1>()?),
                0x95 => drop(self.take::<8>()?),
                b'.' => return stack.pop().context(empty),
                b'(' => stack.push(Value::Mark),
                // The second gives an object its state: none that we read has any.
                b'0' | b'b' => drop(stack.pop()),
                b'N' => stack.push(Value::Nothing),
                0x88 => stack.push(Value::Int(1)),
                0x89 => stack.push(Value::Int(0)),
                b'J' => stack.push(Value::Int(i32::from_le_bytes(self.take()?).into())),
                b'K' => stack.push(Value::Int(self.take::<1>()?[0].into())),
                b'M' => stack.push(Value::Int(u16::from_le_bytes(self.take()?).into())),
                b'G' => {
                    self.take::<8>()?;
                    stack.push(Value::Nothing);
                }
                0x8a => {
                    let [length] = self.take()?;
                    let (own, rest) = self
                        .rest
                        .split_at_checked(length.into())
                        .context("the pickle ends early")?;
                    self.rest = rest;
                    stack.push(match own.len() {
                        0..=8 => {
                            let negative = own.last().is_some_and(|b| b >> 7 == 1);
                            let mut bytes = [if negative { 0xff } else { 0 }; 8];
                            bytes[..own.len()].copy_from_slice(own);
                            Value::Int(i64::from_le_bytes(bytes))
                        }
                        // Only the magic number is as long: as text in base 16.
                        _ => Value::Text({
                            let digit = |d: u8| char::from_digit(d.into(), 16).unwrap_or('0');
                            own.iter().rev().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
                        }),
                    });
                }
                b'X' | b'T' | b'B' => {
                    let length = u32::from_le_bytes(self.take()?) as usize;
                    let text = self.text(length)?;
                    stack.push(Value::Text(text));
                }
                0x8c | b'U' | b'C' => {
                    let [length] = self.take()?;
                    let text = self.text(length.into())?;
                    stack.push(Value::Text(text));
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    stack.push(Value::Global(format!("{module}.{name}")));
                }
                0x93 => {
                    let (name, module) = (stack.pop(), stack.pop());
                    let (Some(Value::Text(name)), Some(Value::Text(module))) = (name, module)
                    else {
                        bail!("a class without a name");
                    };
                    stack.push(Value::Global(format!("{module}.{name}")));
                }
                b'q' => {
                    let [place] = self.take()?;
                    memo.insert(place.into(), stack.last().context(empty)?.clone());
                }
                b'r' => {
                    let place = u32::from_le_bytes(self.take()?);
                    memo.insert(place, stack.last().context(empty)?.clone());
                }
                0x94 => {
                    let place = u32::try_from(memo.len())?;
                    memo.insert(place, stack.last().context(empty)?.clone());
                }
                b'h' => {
                    let [place] = self.take()?;
                    stack.push(memo.get(&place.into()).context(empty)?.clone());
                }
                b'j' => {
                    let place = u32::from_le_bytes(self.take()?);
                    stack.push(memo.get(&place).context(empty)?.clone());
                }
                b')' => stack.push(Value::Tuple(Vec::new())),
                b't' => {
                    let items = marked(&mut stack)?;
                    stack.push(Value::Tuple(items));
                }
                0x85..=0x87 => {
                    let at = stack.len().checked_sub(usize::from(code - 0x84)).context(empty)?;
                    let items = stack.split_off(at);
                    stack.push(Value::Tuple(items));
                }
                b'}' => stack.push(Value::Dict(Rc::default())),
                b']' => stack.push(Value::List(Rc::default())),
                b'l' => {
                    let items = marked(&mut stack)?;
                    stack.push(Value::List(Rc::new(RefCell::new(items))));
                }
                b'a' => {
                    let item = stack.pop().context(empty)?;
                    append(&stack, vec![item])?;
                }
                b'e' => {
                    let items = marked(&mut stack)?;
                    append(&stack, items)?;
                }
                b's' => {
                    let at = stack.len().checked_sub(2).context(empty)?;
                    let items = stack.split_off(at);
                    set(&stack, items)?;
                }
                b'u' => {
                    let items = marked(&mut stack)?;
                    set(&stack, items)?;
                }
                b'Q' => {
                    let id = stack.pop().context(empty)?;
                    stack.push(storage(id)?);
                }
                b'R' | 0x81 => {
                    let (arguments, function) = (stack.pop(), stack.pop());
                    stack.push(call(function.context(empty)?, arguments.context(empty)?)?);
                }
                other => bail!("the pickle has an operation {other:#04x} that is not supported"),
            }
            ensure!(stack.len() < MOST, "the pickle is too large");
        }
    }
}

fn marked(stack: &mut Vec<Value>) -> Result<Vec<Value>> {
    let at = stack.iter().rposition(|value| matches!(value, Value::Mark));
    let items = stack.split_off(at.context("the pickle has no mark")? + 1);
    stack.pop();
    Ok(items)
}

fn append(stack: &[Value], items: Vec<Value>) -> Result<()> {
    match stack.last() {
        Some(Value::List(list)) => list.borrow_mut().extend(items),
        Some(_) => {}
        None => bail!("the pickle takes more than it has"),
    }
    Ok(())
}

fn set(stack: &[Value], items: Vec<Value>) -> Result<()> {
    let Some(target) = stack.last() else { bail!("the pickle takes more than it has") };
    if let Value::Dict(entries) = target {
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.borrow_mut().push((key, value));
        }
    }
    Ok(())
}

/// `('storage', class, key, place, count, …)`.
fn storage(id: Value) -> Result<Value> {
    let Value::Tuple(items) = id else { bail!("a storage is not named by a tuple") };
    match &items[..] {
        [Value::Text(what), Value::Global(kind), Value::Text(key), ..] if what == "storage" => {
            let kind = kind.rsplit('.').next().unwrap_or_default().to_owned();
            Ok(Value::Storage { kind, key: key.clone() })
        }
        _ => bail!("a storage has an unknown form"),
    }
}

fn call(function: Value, arguments: Value) -> Result<Value> {
    let (Value::Global(name), Value::Tuple(arguments)) = (function, arguments) else {
        return Ok(Value::Nothing);
    };
    Ok(match (name.as_str(), &arguments[..]) {
        ("collections.OrderedDict", _) => Value::Dict(Rc::default()),
        (
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor",
            [
                Value::Storage { kind, key },
                Value::Int(offset),
                Value::Tuple(shape),
                Value::Tuple(strides),
                ..,
            ],
        ) => {
            let sizes = |list: &[Value]| -> Result<Vec<usize>> {
                let size = |value: &Value| match value {
                    Value::Int(n) => Ok(usize::try_from(*n)?),
                    _ => bail!("a tensor has an unknown shape"),
                };
                list.iter().map(size).collect()
            };
            Value::Tensor(Box::new(View {
                kind: kind.clone(),
                key: key.clone(),
                offset: usize::try_from(*offset)?,
                shape: sizes(shape)?,
                strides: sizes(strides)?,
            }))
        }
        ("torch._utils._rebuild_parameter", [tensor, ..]) => tensor.clone(),
        _ => Value::Nothing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (1, 5.960_464_5e-8)]
        {
            assert_eq!(half(bits), value);
        }
    }

    #[test]
    fn a_tensor_is_a_view_of_a_storage() {
        let view = View {
            kind: "FloatStorage".into(),
            key: "0".into(),
            offset: 1,
            shape: vec![2, 3],
            strides: vec![1, 2],
        };
        let bytes = (0..8_u8).flat_map(|i| f32::from(i).to_le_bytes()).collect();
        let tensor = resolve("x".into(), &view, &HashMap::from([("0".into(), bytes)])).unwrap();
        assert_eq!(tensor.data, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    fn damage_ends_in_an_error() {
        for bytes in
            [&b"\x80"[..], b"\x80\x02", b"\x80\x02.", b"\x80\x02t.", b"PK\x03\x04", b"\x80\x02K"]
        {
            assert!(tensors(bytes).is_err());
        }
    }
}

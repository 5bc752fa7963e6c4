//! Writes what the fuzzer starts from, taken from the vectors and from the random pairs: `seeds <vectors> <folder>`.

use serde_json::{Value, json};
use splitlight_engine::{History, compile};
use splitlight_protocol::config::parse;
use splitlight_protocol::{Map, Timestamp};
use splitlight_tests::pairs::config_text;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Random configs among the seeds: enough that every kind of item and operator is in one.
const RANDOM_CONFIGS: u64 = 150;

/// Files that a server imports or restores, each after a byte that says which kind it is.
const FILES: [&str; 3] = [
    "\u{0}visitor,name,time,value,shop\r\nv-1,purchase,0,4900,\"Madrid, \"\"Sol\"\"\"\n,purchase,-1,,\n",
    "\u{1}{\"visitor\":\"v-1\",\"name\":\"purchase\",\"time\":0,\"value\":9,\"properties\":{\"a\":[1]}}\n{}\n",
    "\u{2}{\"visitor\":\"v-1\",\"receivedAt\":9,\"id\":\"07070707-0707-0707-0707-070707070707\",\"kind\":\"exposure\",\"time\":5,\"experiment\":\"hero\",\"variation\":\"b\",\"valid\":true}\n\
     {\"visitor\":\"v-1\",\"receivedAt\":9,\"consent\":\"granted\",\"id\":\"07070707-0707-0707-0707-070707070708\",\"kind\":\"conversion\",\"time\":6,\"name\":\"purchase\",\"value\":-1,\"properties\":{}}\n",
];

fn main() -> io::Result<()> {
    let folders: Vec<PathBuf> = env::args().skip(1).map(PathBuf::from).collect();
    let [vectors, out] = folders.as_slice() else {
        return Err(io::Error::other("write the folder of the vectors and the folder to write to"));
    };
    let mut seeds = Seeds { out, written: 0 };
    for file in json_files(vectors)? {
        let document: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
        seeds.walk(&document)?;
    }
    for number in 0..RANDOM_CONFIGS {
        seeds.config(&config_text(7, number))?;
    }
    seeds.pages(&vectors.join("engine/pages.json"))?;
    for file in FILES {
        seeds.write("import", file.as_bytes())?;
    }
    println!("{} seeds", seeds.written);
    Ok(())
}

fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(json_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

struct Seeds<'a> {
    out: &'a Path,
    written: usize,
}

impl Seeds<'_> {
    fn write(&mut self, target: &str, bytes: &[u8]) -> io::Result<()> {
        // Inputs are cut at this length anyway.
        if bytes.is_empty() || bytes.len() > 4096 {
            return Ok(());
        }
        let folder = self.out.join(target);
        fs::create_dir_all(&folder)?;
        self.written += 1;
        fs::write(folder.join(self.written.to_string()), bytes)
    }

    /// Looks for what the targets take, wherever a file of vectors has it.
    fn walk(&mut self, value: &Value) -> io::Result<()> {
        match value {
            Value::Object(members) => {
                if members.contains_key("project") {
                    self.config(&value.to_string())?;
                }
                if members.contains_key("events") && members.contains_key("visitor") {
                    self.write("batch", value.to_string().as_bytes())?;
                }
                if let (Some(Value::String(html)), true) =
                    (members.get("html"), members.contains_key("expect"))
                {
                    for kinds in [0xff, 0x1f] {
                        self.write("rewrite", &[&[kinds, 7], html.as_bytes()].concat())?;
                    }
                }
                for (name, member) in members {
                    if matches!(name.as_str(), "when" | "condition") {
                        self.condition(member)?;
                    }
                    self.walk(member)?;
                }
                Ok(())
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.walk(item)),
            Value::String(text) if text.contains("{{") => {
                self.write("template", format!("{text}\0{}", hostile(text)).as_bytes())
            }
            _ => Ok(()),
        }
    }

    fn condition(&mut self, when: &Value) -> io::Result<()> {
        let attributes = r#"{"a":"x","plan":"pro","geo":{"country":"ES"},"tags":["a",1],"version":"1.2.3"}"#;
        self.write("condition", format!("{when}\0{attributes}").as_bytes())
    }

    /// A config, its program, its conditions, and a history that it would keep.
    fn config(&mut self, text: &str) -> io::Result<()> {
        self.write("config", text.as_bytes())?;
        let program = compile(&parse(text).config).program;
        self.write("program", &program.to_bytes())?;
        if let Ok(document) = serde_json::from_str::<Value>(text) {
            for item in document["audiences"].as_array().into_iter().flatten() {
                self.condition(&item["when"])?;
            }
        }
        let mut history = History::default();
        for day in 0..3 {
            for event in ["view", "view_category", "purchase"] {
                let now = Timestamp::from_ms(1_795_219_200_000 + day * 86_400_000);
                history.record(&program, event, &Map::new(), Some(day), now);
            }
        }
        self.write("history", &history.to_bytes())
    }

    fn pages(&mut self, file: &Path) -> io::Result<()> {
        let document: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
        for case in document["cases"].as_array().into_iter().flatten() {
            for page in case[1].as_array().into_iter().flatten() {
                let pattern = page["include"].as_str().or(page["exclude"].as_str()).unwrap_or_default();
                let url = case[0].as_str().unwrap_or_default();
                self.write("page", format!("{pattern}\0{url}").as_bytes())?;
            }
        }
        Ok(())
    }
}

/// Attributes that a template asks for, with every mark that html has a meaning for.
fn hostile(template: &str) -> Value {
    let mut attributes = json!({});
    for place in template.split("{{").skip(1) {
        let path = place.split(['|', '}']).next().unwrap_or_default().trim();
        let mut names = path.rsplit('.');
        let last = names.next().unwrap_or_default();
        let mut value = json!({ last: "<b class=\"x\">&'" });
        for name in names {
            value = json!({ name: value });
        }
        if let (Some(all), Some(one)) = (attributes.as_object_mut(), value.as_object()) {
            all.extend(one.clone());
        }
    }
    attributes
}

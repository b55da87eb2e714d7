# frozen_string_literal: true

require_relative "../support/rust_imports"

# The shape that doc/architecture.md draws: data flows one way, so imports point one way, and unsafe code has one
# address.
RSpec.describe "The structure of the native code" do
  root = File.expand_path("../..", __dir__)
  sources = Dir.glob("ext/{core,kino}/src/**/*.rs", base: root).to_h { |path| [path, File.read(File.join(root, path))] }

  # What a file imports of its own crate, without its tests.
  imports = lambda do |path|
    code = sources.fetch(path).split("#[cfg(test)]").first
    code.scan(/\b(?:crate|super)::(\w+)/).flatten.uniq
  end

  it "has files to look at" do
    expect(sources.size).to be > 30
  end

  it "keeps the protocol free of sockets, and sockets free of dispatching" do
    later_ones = { "http" => %w[http2 net dispatch server], "http2" => %w[net dispatch server],
                   "net" => %w[dispatch server], "dispatch" => %w[server] }
    later_ones.each do |folder, later|
      sources.each_key.grep(%r{\Aext/core/src/#{folder}/}) do |path|
        expect(imports.call(path) & later).to eq([]), "#{path} imports #{imports.call(path) & later}"
      end
    end
  end

  %w[core kino].each do |crate|
    it "has no circle between the files of #{crate}" do
      folder = "ext/#{crate}/src/"
      own = sources.filter_map { |path, text| [path.delete_prefix(folder), text] if path.start_with?(folder) }.to_h
      imports_of = RustImports.new(own)
      expect(imports_of.edges.values.flatten.size).to be > 30
      expect(imports_of.circles).to eq([])
    end
  end

  it "finds a circle where there is one" do
    round = { "lib.rs" => "mod a;", "a.rs" => "use super::b::{self, C};", "b.rs" => "mod c;\nuse crate::{x, b::c::D};",
              "b/c.rs" => "use super::super::a;" }
    expect(RustImports.new(round).circles).to eq([%w[a.rs b.rs b/c.rs]])
  end

  # What is compiled with the newest Rust alone is not known to compile with that one. Chains of `let` came with 1.88.
  it "is written in the Rust that Cargo.toml says is enough" do
    version = File.read(File.join(root, "Cargo.toml"))[/^rust-version = "(.+)"$/, 1]
    expect(Gem::Version.new(version)).to be < Gem::Version.new("1.88")
    expect(sources.select { |_, code| code.match?(/&& let\b|\b(?:if|while) let\b[^;{]*\n\s+&& /) }.keys).to eq([])
  end

  it "has no Ruby and no unsafe in the core" do
    sources.each do |path, code|
      next unless path.start_with?("ext/core/")

      expect(code).not_to match(/\b(magnus|rb_sys)::/), path
      expect(code.gsub(%r{//.*}, "")).not_to match(/\bunsafe (fn|impl|\{)/), path
    end
    expect(sources.fetch("ext/core/src/lib.rs")).to include("#![forbid(unsafe_code)]")
  end

  it "has unsafe in ffi/ only" do
    elsewhere = sources.keys.reject { |path| path.start_with?("ext/kino/src/ffi/") }
    elsewhere.each do |path|
      expect(sources[path].gsub(%r{//.*}, "")).not_to match(/\bunsafe\b(?!_)/), path
    end
  end
end

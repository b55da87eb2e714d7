# frozen_string_literal: true

require "json"
require "open3"

# What is in a gem that is compiled already: the crates of its library, and the gems that it needs, as CycloneDX has it.
# It says the same for the same Cargo.lock.
module Sbom
  # The crate that becomes the library.
  ROOT = "kino"

  module_function

  # @return [Hash] CycloneDX 1.5
  def document
    spec = Gem::Specification.load(File.expand_path("../kino.gemspec", __dir__))
    crates = self.crates
    { "bomFormat" => "CycloneDX", "specVersion" => "1.5", "version" => 1,
      "metadata" => { "component" => itself(spec) },
      "components" => gems(spec) + crates.map { |crate| component(crate) },
      "dependencies" => [{ "ref" => itself(spec)["bom-ref"], "dependsOn" => crates.map { |crate| purl(crate) } }] }
  end

  # @param path [String] where to write it
  def write(path) = File.write(path, "#{JSON.pretty_generate(document)}\n")

  # What is linked into the library: neither what only builds or tests it, nor what other systems need.
  def crates
    metadata = JSON.parse(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", host))
    packages = metadata["packages"].to_h { |package| [package["id"], package] }
    needed = metadata["resolve"]["nodes"].to_h { |node| [node["id"], linked(node)] }
    todo = packages.values.filter_map { |package| package["id"] if package["name"] == ROOT && package["source"].nil? }
    seen = []
    while (id = todo.shift)
      seen << id
      todo |= needed.fetch(id).reject { |one| macro?(packages.fetch(one)) } - seen
    end
    seen.filter_map { |one| packages[one] unless packages[one]["source"].nil? }
        .sort_by { |package| [package["name"], package["version"]] }
  end

  def linked(node)
    node["deps"].select { |dep| dep["dep_kinds"].any? { |kind| kind["kind"].nil? } }.map { |dep| dep["pkg"] }
  end

  # Runs in the compiler.
  def macro?(package) = package["targets"].any? { |target| target["kind"].include?("proc-macro") }

  def itself(spec)
    purl = "pkg:gem/kino@#{spec.version}"
    { "type" => "library", "name" => spec.name, "version" => spec.version.to_s, "bom-ref" => purl, "purl" => purl,
      "licenses" => licence(spec.license) }
  end

  def component(crate)
    { "type" => "library", "name" => crate["name"], "version" => crate["version"], "bom-ref" => purl(crate),
      "purl" => purl(crate), "licenses" => licence(crate["license"]),
      "hashes" => [{ "alg" => "SHA-256", "content" => checksums.fetch([crate["name"], crate["version"]]) }] }
  end

  def gems(spec)
    spec.runtime_dependencies.reject { |dependency| dependency.name == "rb_sys" }.map do |dependency|
      { "type" => "library", "name" => dependency.name, "bom-ref" => "pkg:gem/#{dependency.name}",
        "purl" => "pkg:gem/#{dependency.name}", "description" => "required: #{dependency.requirement}" }
    end
  end

  def licence(expression) = [{ "expression" => expression.gsub("/", " OR ") }]

  def purl(crate) = "pkg:cargo/#{crate["name"]}@#{crate["version"]}"

  def checksums
    @checksums ||= File.read(File.expand_path("../Cargo.lock", __dir__)).split("[[package]]").to_h do |entry|
      [[entry[/^name = "(.+)"/, 1], entry[/^version = "(.+)"/, 1]], entry[/^checksum = "(.+)"/, 1]]
    end
  end

  def host = cargo("-vV")[/^host: (.+)/, 1]

  def cargo(*arguments)
    out, error, status = Open3.capture3("cargo", *arguments, chdir: File.expand_path("..", __dir__))
    status.success? ? out : raise("cargo #{arguments.first} failed:\n#{error}")
  end

  private_class_method :itself, :linked, :macro?, :component, :gems, :licence, :purl, :checksums, :host, :cargo
end

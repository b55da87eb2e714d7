# frozen_string_literal: true

require_relative "lib/kino/version"

Gem::Specification.new do |spec|
  spec.name = "kino"
  spec.version = Kino::VERSION
  spec.authors = ["The Kino authors"]
  spec.summary = "A Rack 3 web server with a Rust core"
  spec.description = "Kino serves Rack 3 apps, Rails included, from one small process: sockets, HTTP and " \
                     "scheduling are Rust, the app is called from plain Ruby threads."
  spec.license = "MIT"
  spec.required_ruby_version = ">= 3.3"
  spec.metadata["rubygems_mfa_required"] = "true"

  # Whoever releases it says where it is developed, as GitHub's workflows do; else nobody is sent anywhere.
  home = ENV.fetch("KINO_HOMEPAGE") { ENV.values_at("GITHUB_SERVER_URL", "GITHUB_REPOSITORY").compact.join("/") }
  unless home.empty?
    spec.homepage = home
    spec.metadata.update("bug_tracker_uri" => "#{home}/issues",
                         "changelog_uri" => "#{home}/blob/v#{spec.version}/CHANGELOG.md",
                         "documentation_uri" => "#{home}/tree/v#{spec.version}/doc",
                         "source_code_uri" => "#{home}/tree/v#{spec.version}")
  end

  # The crates and the lock file are shipped: installing compiles them, with the versions that were tested.
  spec.files = Dir.chdir(__dir__) do
    Dir["lib/**/*.rb", "exe/*", "sig/**/*.{rbs,yaml}", "man/*.1", "Cargo.{toml,lock}", "LICENSE",
        "{README,CHANGELOG,SECURITY}.md"] +
      Dir["ext/*/{Cargo.toml,build.rs,extconf.rb}", "ext/*/{src,benches,examples,tests}/**/*.{rs,html,policy}"]
  end
  spec.bindir = "exe"
  spec.executables = ["kino"]
  spec.require_paths = ["lib"]
  spec.extensions = ["ext/kino/extconf.rb"]

  spec.add_dependency "rack", ">= 3", "< 4"
  # Needed where the gem is installed, since that is where the extension is compiled.
  spec.add_dependency "rb_sys", "~> 0.9", ">= 0.9.87"
end

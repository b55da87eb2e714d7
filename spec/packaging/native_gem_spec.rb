# frozen_string_literal: true

require "open3"
require "socket"
require_relative "../../rakelib/native_gem"
require_relative "installed_gem"

RSpec.describe "the gem that is compiled already" do
  # Where no Rust is, nor anything that compiles: Ruby alone, and what it runs by itself.
  def alone(*command, **options)
    homes = { "CARGO_HOME" => @gem.folder, "RUSTUP_HOME" => @gem.folder }
    environment = @gem.environment.merge(homes, "PATH" => "/nowhere")
    Open3.capture2e(environment, *command, chdir: @gem.folder, **options)
  end

  before(:context) do
    @gem = InstalledGem.new
    @package = NativeGem.build(@gem.folder)
  end

  after(:context) { @gem.remove }

  let(:minor) { RUBY_VERSION[/\A\d+\.\d+/] }
  let(:spec) { Gem::Package.new(@package).spec }

  it "carries its library, and neither sources nor what compiles them" do
    expect(File.basename(@package)).to eq("kino-#{spec.version}-#{spec.platform}.gem")
    expect(spec).to have_attributes(extensions: [], platform: Gem::Platform.local)
    expect(spec.runtime_dependencies.map(&:name)).to eq(%w[rack])
    expect(spec.required_ruby_version).to be_satisfied_by(Gem::Version.new(RUBY_VERSION))
    expect(spec.required_ruby_version).not_to be_satisfied_by(Gem::Version.new("3.2.0"))
    expect(spec.files).to include("lib/kino/#{minor}/kino.#{RbConfig::CONFIG["DLEXT"]}", "exe/kino", "man/kino.1",
                                  "lib/generators/kino/install/templates/kino.rb", "SECURITY.md")
    expect(spec.files.grep(/\.rs\z|Cargo/)).to eq([])
  end

  it "installs and serves where no Rust is" do
    out, status = alone(RbConfig.ruby, "-e", "require 'rubygems/gem_runner'; Gem::GemRunner.new.run(ARGV)", "--",
                        "install", "--local", "--no-document", "--bindir", "#{@gem.home}/bin", @package)
    expect(status).to be_success, out

    out, status = alone(RbConfig.ruby, "-e", <<~RUBY)
      require "kino"
      require "net/http"
      library = ->(_) { [200, {}, [$LOADED_FEATURES.grep(/kino\\.#{RbConfig::CONFIG["DLEXT"]}\\z/).join]] }
      server = Kino::Server.new(library, port: 0).start
      puts Net::HTTP.get(URI(server.urls.first)), server.stop
    RUBY
    expect(status).to be_success, out
    expect(out).to match(%r{\A#{Regexp.escape(File.realpath(@gem.home))}/gems/kino-[^/]+/lib/kino/#{minor}/kino\.})
  end
end

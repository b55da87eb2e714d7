# frozen_string_literal: true

require "fileutils"
require "kino/check"
require "tmpdir"

RSpec.describe Kino::Check::Loaded do
  around do |example|
    Dir.mktmpdir { |folder| Dir.chdir(File.realpath(folder)) { example.run } }
  ensure
    $LOADED_FEATURES.reject! { |path| path.end_with?("/kino_loaded_spec.rb") }
  end

  let(:hazard) { "class Counted\n  def self.call = @@count = 1\nend\n" }
  let(:loaded) { described_class.new }

  def hazards = Kino::Check::Hazards.new("config.ru", loaded: loaded)

  it "knows what was required, loaded, and read and evaluated" do
    %w[kino_loaded_spec.rb loaded.rb evaluated.rb other.rb].each { |name| File.write(name, "# of no use\n") }
    given = loaded.watch do
      require "./kino_loaded_spec"
      load "./loaded.rb"
      eval(File.read("evaluated.rb"), binding, "evaluated.rb", 1) # rubocop:disable Security/Eval -- as config.ru is read
      :given
    end

    expect(given).to eq(:given)
    expect(Dir.glob("*.rb").select { |path| loaded.include?(path) })
      .to match_array(%w[evaluated.rb kino_loaded_spec.rb loaded.rb])
    expect(loaded.include?("missing.rb")).to be(false)
  end

  it "knows what was there before" do
    lib = File.expand_path("../../../../lib/kino", __dir__)

    expect([loaded.include?("#{lib}/check.rb"), loaded.include?("#{lib}/railtie.rb")]).to eq([true, false])
  end

  it "counts what Zeitwerk will load by its name" do
    FileUtils.mkdir_p(%w[app/models lib])
    File.write("app/models/counted.rb", hazard)
    File.write("lib/counted.rb", hazard)
    stub_const("Zeitwerk::Registry", double(loaders: [double(dirs: [File.expand_path("app/models"), "/no/such"])]))

    expect([loaded.include?("app/models/counted.rb"), loaded.include?("lib/counted.rb")]).to eq([true, false])
  end

  it "leaves hazards alone in files that nobody loads, and counts those" do
    Dir.mkdir("bin")
    File.write("bin/task.rb", hazard)
    File.write("kino_loaded_spec.rb", hazard)
    loaded.watch { require "./kino_loaded_spec" }
    found = hazards

    expect(found.find.map(&:where)).to eq(%w[kino_loaded_spec.rb:2])
    expect([found.files, found.unused]).to eq([1, 1])
  end

  it "is found through a folder that is a link" do
    Dir.mkdir("real")
    File.symlink("real", "link")
    File.write("real/kino_loaded_spec.rb", hazard)
    loaded.watch { require "./link/kino_loaded_spec" }

    expect(%w[real link].map { |folder| loaded.include?("#{folder}/kino_loaded_spec.rb") }).to eq([true, true])
  end
end

# frozen_string_literal: true

require "fileutils"
require "kino/errors"
require "kino/reload/files"
require "tmpdir"

RSpec.describe Kino.const_get(:Reload)::Files do
  around { |example| Dir.mktmpdir("kino") { |folder| (@folder = File.realpath(folder)) && example.run } }

  subject(:files) { described_class.new(@folder) }

  def write(path, text = "x")
    full = File.join(@folder, path)
    FileUtils.mkdir_p(File.dirname(full))
    File.write(full, text)
    full
  end

  it "tells what has changed, has come and has gone, until that is so no more" do
    changed, gone = write("app.rb"), write("views/deep/a.erb")
    expect(files.changed).to be_nil
    File.write(changed, "xx")
    expect([files.changed, files.changed]).to eq(%w[app.rb app.rb])
    File.delete(gone)
    again = described_class.new(@folder)
    write("config/settings.yml")
    expect(again.changed).to eq("config/settings.yml")
    FileUtils.rm_rf("#{@folder}/config")
    expect(again.changed).to be_nil
    FileUtils.rm_rf("#{@folder}/views")
    write("views/deep/b.rb")
    expect(again.changed).to eq("views/deep/b.rb")
  end

  it "cares for settings and templates of every kind that apps are written in" do
    %w[.env .env.development.local app.rb config.ru a.html.erb a.haml a.slim a.json.jbuilder a.liquid a.mustache
       a.yaml].each do |name|
      before = described_class.new(@folder)
      write(name)
      expect(before.changed).to eq(name)
    end
  end

  it "sees a file that another was moved over, of the same length and age" do
    path = write("app.rb", "a")
    File.utime(1, 1, path)
    files.changed
    File.utime(1, 1, write("other", "b"))
    File.rename("#{@folder}/other", path)
    expect(files.changed).to eq("app.rb")
  end

  it "doesn't care for what is no code, or nobody's, and goes on after such a change" do
    path = write("app.rb")
    files
    %w[data.json notes.txt app.rb~ .app.rb.swp tmp/a.rb log/a.rb node_modules/a/b.rb .git/a.rb vendor/bundle/a.rb
       public/a.rb coverage/a.rb].each { |other| write(other) }
    expect(files.changed).to be_nil
    File.symlink(@folder, "#{@folder}/round")
    Dir.mkdir("#{@folder}/empty")
    expect(files.changed).to be_nil
    Dir.rmdir("#{@folder}/empty")
    2.times { expect(files.changed).to be_nil }
    File.write(path, "xx")
    expect(files.changed).to eq("app.rb")
  end

  it "looks at what has been loaded from elsewhere, gems and Ruby's own excepted" do
    Dir.mktmpdir do |other|
      other = File.realpath(other)
      files
      File.write("#{other}/far.rb", "")
      require "#{other}/far"
      files.booted
      expect(files.changed).to be_nil
      File.write("#{other}/far.rb", "1")
      expect(files.changed).to eq("#{other}/far.rb")
    end
  end

  it "looks at what is loaded later, too, without which nothing loaded it would be looked at" do
    Dir.mktmpdir do |other|
      other = File.realpath(other)
      File.write("#{other}/late.rb", "")
      files.booted
      require "#{other}/late"
      expect(files.changed).to be_nil
      File.write("#{other}/late.rb", "1")
      expect(files.changed).to eq("#{other}/late.rb")
    end
  end

  it "keeps what was loaded from a folder that is none of the app's apart from what lies in it" do
    files
    require write("vendor/own.rb", "")
    files.booted
    write("data.json")
    expect(files.changed).to be_nil
    write("vendor/own.rb", "1")
    expect(files.changed).to eq("vendor/own.rb")
  end

  it "follows links to folders, each once, wherever they lead, but to what is too large" do
    Dir.mktmpdir do |other|
      other = File.realpath(other)
      FileUtils.mkdir_p("#{other}/deep")
      File.write("#{other}/deep/far.rb", "")
      File.symlink(other, "#{other}/deep/round")
      write("lib/near.rb")
      { other => "shared", "lib" => "near", "nowhere" => "broken", File.dirname(@folder) => "tmp" }
        .each { |to, name| File.symlink(to, "#{@folder}/#{name}") }
      3.times { expect(files.changed).to be_nil }
      File.write("#{other}/deep/far.rb", "1")
      expect(files.changed).to eq("shared/deep/far.rb")

      before = described_class.new(@folder)
      File.write("#{other}/new.rb", "")
      expect(before.changed).to eq("shared/new.rb")

      stub_const("#{described_class}::MOST", 5)
      4.times { |number| File.write("#{other}/#{number}.rb", "") }
      large = described_class.new(@folder)
      File.write("#{other}/new.rb", "1")
      expect(large.changed).to be_nil
      write("lib/near.rb", "changed")
      expect(large.changed).to eq("lib/near.rb")
    end
  end

  it "does without a folder that is gone, or too large to be an app's" do
    missing = described_class.new("#{@folder}/nowhere")
    expect(missing.changed).to be_nil
    stub_const("#{described_class}::MOST", 3)
    5.times { |number| write("#{number}.rb") }
    large = described_class.new(@folder)
    write("0.rb", "changed")
    expect(large.changed).to be_nil
  end
end

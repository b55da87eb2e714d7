# frozen_string_literal: true

require "digest"
require "kino/check"
require_relative "../../support/snippets"

# Each piece of Ruby in README and doc/ is run, and a new one has to find its place here.
RSpec.describe "Ruby in README and doc/" do
  settings = Kino::Configuration::DSL.public_instance_methods(false).map(&:to_s)
  # Who has them tried, by what is in them.
  elsewhere = {
    /\A# (config\.ru|lib\/shop\.rb)\n/ => "spec/integration/documents/check_spec.rb",
    /Ractor\.store_if_absent\(:found\)/ => "spec/integration/documents/check_spec.rb",
    /Kino::TestServer\.start|^Capybara\.server = :kino/ => "spec/integration/documents/development_spec.rb"
  }

  # Each line that says what comes of it, and what that is.
  def told(text, binding)
    program = +""
    text.lines.filter_map do |line|
      program << line
      code, said = line.split("# => ")
      [code.strip, eval(program.slice!(0..), binding), said.strip] if said # rubocop:disable Security/Eval
    end
  end

  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  Snippets.ruby.each do |piece|
    next if elsewhere.keys.any? { |pattern| piece.text.match?(pattern) }

    if piece.word == "gem"
      it "#{piece} is a line of a Gemfile" do
        File.symlink(Snippets::ROOT, "kino")
        FileUtils.mkdir_p("app")
        File.write("app/Gemfile", piece.text)
        found = Bundler::Dsl.evaluate(Pathname("#{Dir.pwd}/app/Gemfile"), nil, nil).dependencies
        expect(found.map(&:name)).to eq(["kino"])
        expect(found.first.source.specs["kino"].first.version.to_s).to eq(Kino::VERSION)
      end
    elsif settings.include?(piece.word)
      it "#{piece} is a kino.rb" do
        stub_const("CACHE", Object.new)
        stub_const("TRACKER", Object.new)
        stub_const("FEED", Object.new)
        File.write("kino.rb", piece.text)
        expect { Kino::Configuration.load(Kino::Configuration::Layer.new, env: {}, path: "kino.rb") }.not_to raise_error
      end
    end
  end

  pieces = Snippets.ruby.reject do |piece|
    elsewhere.keys.any? { |pattern| piece.text.match?(pattern) } || ["gem", *settings].include?(piece.word)
  end
  known = { "README.md" => %w[require], "doc/check.md" => %w[require], "doc/rack.md" => %w[class sums] }

  it "is all tried" do
    others = pieces.reject { |piece| known.fetch(piece.file, []).include?(piece.word) }
    expect(others.map(&:to_s)).to eq([])
    elsewhere.each_value { |file| expect(File).to exist(File.join(Snippets::ROOT, file)) }
  end

  def the(word, file) = Snippets.ruby.find { |piece| piece.file == file && piece.word == word }.text

  it "embeds a server as README says" do
    port = /\b44707\b/
    told(the("require", "README.md"), TOPLEVEL_BINDING.dup).each do |code, value, said|
      next expect(value).to be_an(Integer), code if said.match?(/\A44707,/)

      expect(value.inspect.gsub(/127\.0\.0\.1:\d+/, "127.0.0.1:44707")).to eq(said[/\A[^:]+(?::\/\/\S+)?/].strip), code
      expect(said).to match(port).or(eq(said))
    end
  end

  it "answers with a trailer as doc/rack.md says" do
    env, rows = {}, %w[a b]
    status, headers, body = eval(the("sums", "doc/rack.md"), binding) # rubocop:disable Security/Eval
    expect([status, headers["trailer"], body.to_a]).to eq([200, "digest", %w[a b]])
    expect(env["kino.response_trailers"]).to eq("digest" => "sha-256=:#{Digest::SHA256.base64digest("ab")}:")
    expect(rows.size).to eq(2)
  end

  it "tells all who listen as doc/rack.md says" do
    events = Queue.new
    stub_const("Event", Class.new { define_singleton_method(:next) { events.pop } })
    space = Module.new
    space.module_eval(the("class", "doc/rack.md"))
    feed = space.const_get(:Feed).new
    told = Queue.new
    stream = Object.new
    stream.define_singleton_method(:write_nonblock) { |text, **| told << text }
    feed.call({}).last.call(stream)
    events << "tea"
    expect(told.pop(timeout: 20)).to eq("data: tea\n\n")
  end
end

# frozen_string_literal: true

require "kino/check"
require "tmpdir"

RSpec.describe Kino::Check::Hazards do
  around { |example| Dir.mktmpdir { |folder| Dir.chdir(folder) { example.run } } }

  def write(path, text)
    Dir.mkdir(File.dirname(path)) unless Dir.exist?(File.dirname(path))
    File.write(path, text)
  end

  # Kind and place of each hazard in the folder.
  def hazards(rackup = "config.ru") = described_class.new(rackup).find.map { |hazard| [hazard.kind, hazard.where] }

  # Kind and line of each hazard in a file of this text.
  def in_code(text)
    write("app.rb", text)
    hazards.map { |kind, where| [kind, Integer(where.delete_prefix("app.rb:"))] }
  end

  it "names class variables that methods change" do
    expect(in_code(<<~RUBY)).to eq([*[:class_variable].product([5, 6, 7, 8]), [:memoised, 9]])
      class Counter
        @@count = 0
        @@list = []
        def call
          @@count += 1
          @@list << 1
          first, @@count = 1, 2
          @@count -= 1
          @@late ||= 1
          @@count
          LOCK.synchronize { @@count += 1 }
        end
      end
    RUBY
  end

  it "shows the code, why it is a hazard and the safe way" do
    write("app.rb", "class Counter\n  def call\n    @@count += 1 # hit\n  end\nend\n")

    expect(described_class.new("config.ru").find)
      .to match([have_attributes(kind: :class_variable, where: "app.rb:3", code: "@@count += 1 # hit",
                                 why: include("@@count"), cure: include("LOCK.synchronize"))])
  end

  it "names variables of a class that its own methods change, however they are written" do
    expect(in_code(<<~RUBY)).to eq([[:class_ivar, 5], [:class_ivar, 7], [:class_ivar, 13], [:class_ivar, 20]])
      class Settings
        @layout = "plain"
        def initialize = @mine = 1
        def change = @mine = 2
        def self.change(name) = @layout = name
        class << self
          def reset = @layout = nil
          def read = @layout
        end
      end
      module Functions
        module_function
        def remember(value) = @value = value
      end
      module Other
        def instance(value) = @value = value
      end
      module Extended
        extend self
        def remember(value) = @value[:a] = value
      end
    RUBY
  end

  it "names what is memoised on a class" do
    expect(in_code(<<~RUBY)).to eq([[:memoised, 2], [:memoised, 8]])
      class Client
        def self.default = @default ||= new
        def self.guarded = LOCK.synchronize { @guarded ||= new }
        def mine = @mine ||= 1
        @ready ||= new
        define_singleton_method(:later) do
          # a comment
          @later ||= 1
        end
      end
    RUBY
  end

  it "names class-level collections that are changed, but not those made for threads" do
    expect(in_code(<<~RUBY)).to eq([[:class_ivar, 6], [:class_ivar, 7]])
      class Registry
        @plain = {}
        @queue = Queue.new
        @map = Concurrent::Map.new
        def self.add(key)
          @plain[key] = 1
          @plain[key] ||= [] if @plain.key?(key)
          @queue << key
          @map[key] = 1
        end
      end
    RUBY
  end

  it "names globals that methods change" do
    expect(in_code(<<~RUBY)).to eq([[:global, 4], [:global, 5], [:memoised, 6]])
      $boot = 1
      class App
        def call
          $count += 1
          $list << 1
          $late ||= 1
          $_ = nil
          $boot
        end
      end
    RUBY
  end

  it "names constants that are changed, in any file" do
    write("lib/list.rb", "module List\n  ALL = []\n  QUEUE = Queue.new\n  FROZEN = [].freeze\nend\n")
    expect(in_code(<<~RUBY).map(&:last)).to eq([11, 12, 13, 14, 15, 16, 17])
      class App
        CACHE = {}
        NAMES = Set.new
        TEXT = +"a"
        SAFE = Concurrent::Map.new
        UNKNOWN = load_table
        CACHE[:boot] = 1

        def call
          NAMES.include?(1)
          NAMES << 1
          CACHE[:a] = 1
          CACHE[:a] ||= 1
          CACHE[:a][:b] << 1
          App::CACHE.merge!(a: 1)
          TEXT.concat("b")
          List::ALL.push(1)
          SAFE[:a] = 1
          UNKNOWN[:a] = 1
          List::QUEUE << 1
          List::FROZEN.map(&:to_s)
          LOCK.synchronize { CACHE[:a] = 1 }
        end

        def locked
          LOCK.lock
          CACHE[:a] = 1
        ensure
          LOCK.unlock
        end
      end
    RUBY
    expect(hazards.map(&:first).uniq).to eq([:constant])
  end

  it "names what is set on a class" do
    expect(in_code(<<~RUBY)).to eq([:class_setter].product([11, 12, 13, 14, 15, 16]))
      class Page
        class << self
          attr_accessor :layout
        end
      end
      class Current < ActiveSupport::CurrentAttributes
        attribute :user
      end
      class App
        def call
          Page.layout = "special"
          Page.count += 1
          self.class.layout = "special"
          self.class.layout "special"
          Page.instance_variable_set(:@layout, 1)
          self.class.class_variable_set(:@@layout, 1)
          Current.user = 1
          Time.zone = "UTC"
          page.layout = "special"
          self.class.name == "App"
        end
        Page.layout = "boot"
      end
    RUBY
  end

  it "names thread-locals that are left set" do
    expect(in_code(<<~RUBY)).to eq([[:thread_local, 3], [:thread_local, 4], [:thread_local, 15]])
      class App
        def leak
          Thread.current[:user] = 1
          Thread.current.thread_variable_set(:user, 1)
          Thread.current[:connection] ||= connect
        end
        def reset
          Thread.current[:user] = 1
          yield
        ensure
          Thread.current[:user] = nil
        end
        def reset_another
          Thread.current[:other] = 1
          Thread.current[:user] = 1
        ensure
          Thread.current[:other] = nil
        end
      end
    RUBY
  end

  it "names files that methods load" do
    expect(in_code(<<~RUBY)).to eq([[:require, 4], [:require, 5], [:autoload, 6], [:require, 7]])
      require "set"
      class App
        def call
          require "json"
          require_relative "other"
          autoload :Later, "later"
          Kernel.load "a.rb"
          params.require(:user)
        end
        autoload :Earlier, "earlier"
      end
    RUBY
  end

  it "reads the blocks of a config.ru that run for requests, and not what runs at boot" do
    write("config.ru", <<~RUBY)
      $boot = 1
      LIST = []
      LIST << 1
      use Rack::Head
      map "/a" do
        LIST << 2
        run ->(env) { LIST << env; @seen = 1; [200, {}, []] }
      end
      get "/b" do
        $count += 1
      end
      run lambda { |env|
        $count += 1
      }
    RUBY
    expect(hazards).to eq([[:constant, "config.ru:7"], [:class_ivar, "config.ru:7"], [:global, "config.ru:10"],
                           [:global, "config.ru:13"]])
  end

  it "leaves hooks alone, which Ruby calls at boot" do
    expect(in_code("class Base\n  def self.inherited(one) = @all << one\nend\n")).to eq([])
  end

  it "reads classes that are made by a call" do
    expect(in_code("Point = Struct.new(:x) do\n  def self.origin = @origin ||= new(0)\nend\n")).to eq([[:memoised, 2]])
  end

  it "reads the app's own files only" do
    hazard = "class A\n  def a = @@a = 1\nend\n"
    %w[vendor node_modules spec test tmp .git].each { |folder| write("#{folder}/a.rb", hazard) }
    write("lib/a.rb", hazard)
    write("a.txt", hazard)
    File.symlink("lib", "link")

    expect(hazards).to eq([[:class_variable, "lib/a.rb:2"]])
  end

  it "takes a config.ru of another name and folder, and files that aren't Ruby, for what they are" do
    write("app/other.ru", "run ->(_) { $a = 1 }\n")
    write("app/broken.rb", "class (")
    search = described_class.new("app/other.ru")

    expect(search.find).to match([have_attributes(where: "app/other.ru:1")])
    expect(search).to have_attributes(files: 1, left_out: 0)
    expect(described_class.new("nowhere/config.ru").find).to eq([])
  end

  it "counts files beyond the limit" do
    stub_const("#{described_class}::LIMIT", 2)
    3.times { |number| write("#{number}.rb", "1\n") }
    search = described_class.new("config.ru")

    search.find
    expect(search).to have_attributes(files: 2, left_out: 1)
  end
end
